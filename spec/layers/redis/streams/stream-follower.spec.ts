import { expect } from "chai";
import { SimulatedClock } from "xstate";
import { StreamFollower, type StreamSource } from "../../../../layers/redis/streams/stream-follower.ts";
import type { Head, Snapshot, StreamEntry } from "../../../../layers/redis/streams/stream-format.ts";

const entry = (offset: number): StreamEntry => ({
  epoch: "1",
  offset,
  stamp: offset,
  payload: Uint8Array.of(offset),
});

/** A stream with a reader that replies, fails or lacks entries, as a spec determines. */
class Source implements StreamSource {
  isUp = true;
  server = "one";
  failure: Error | undefined;
  entries: StreamEntry[] = [];
  reads = 0;

  async head(): Promise<Head> {
    if (this.failure) throw this.failure;
    return this.entries.at(-1) ?? { epoch: "1", offset: 0, stamp: 0 };
  }

  async read(_topic: string, offset: number): Promise<Snapshot> {
    this.reads += 1;
    const head = await this.head();
    return { head, entries: this.entries.filter((stored) => stored.offset >= offset), hasMore: false };
  }
}

async function start() {
  const source = new Source();
  const clock = new SimulatedClock();
  const heard: unknown[] = [];
  const errors: unknown[] = [];
  const follower = new StreamFollower(
    "topic",
    source,
    { payload: ([number]) => heard.push(number), gap: (range) => heard.push(range ?? "gap") },
    clock,
    (error) => errors.push(error),
  );
  await follower.start();
  /** Waits until replies have arrived, and ends the pause before the next attempt. */
  const pass = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    clock.increment(5_000);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { source, clock, heard, errors, follower, pass };
}

describe("StreamFollower", () => {
  it("retries a failed read after a pause", async () => {
    const { source, heard, errors, follower, pass } = await start();
    source.failure = new Error("refused");
    source.entries = [1, 2, 3].map(entry);
    follower.published(entry(3));
    await pass();
    await pass();
    expect(heard).to.deep.equal([]);
    source.failure = undefined;
    await pass();
    expect(heard).to.deep.equal([1, 2, 3]);
    expect(errors).to.deep.equal([]);
  });

  it("reports a gap and the reason if reads keep failing", async () => {
    const { source, heard, errors, follower, pass } = await start();
    source.failure = new Error("refused");
    follower.published(entry(3));
    for (let attempt = 0; attempt < 8; attempt += 1) await pass();
    follower.published(entry(4));
    expect(heard).to.deep.equal([{ from: 1, to: 2 }, 3, 4]);
    expect(errors).to.deep.equal([source.failure]);
    expect(source.reads).to.equal(6);
  });

  it("reports a gap if the stream lacks published entries", async () => {
    const { heard, errors, follower, pass } = await start();
    follower.published(entry(3));
    for (let attempt = 0; attempt < 8; attempt += 1) await pass();
    expect(heard).to.deep.equal([{ from: 1, to: 2 }, 3]);
    expect(errors.map(String)).to.deep.equal(['Error: The stream of "topic" lacks published entries.']);
  });

  it("gives up nothing in an outage", async () => {
    const { source, heard, errors, follower, pass } = await start();
    source.isUp = false;
    source.failure = new Error("not connected");
    follower.published(entry(3));
    for (let attempt = 0; attempt < 20; attempt += 1) await pass();
    expect([heard, errors]).to.deep.equal([[], []]);
    source.isUp = true;
    source.failure = undefined;
    source.entries = [1, 2, 3].map(entry);
    await pass();
    expect(heard).to.deep.equal([1, 2, 3]);
  });

  it("reads nothing if nothing is missing", async () => {
    const { source, heard, follower, pass } = await start();
    source.entries = [entry(1)];
    follower.published(entry(1));
    follower.resume();
    await pass();
    await follower.check();
    await pass();
    expect([heard, source.reads]).to.deep.equal([[1], 0]);
  });

  it("reports a gap if another server replies, which may lack entries", async () => {
    const { source, heard, follower, pass } = await start();
    source.entries = [entry(1)];
    follower.published(entry(1));
    source.server = "two";
    follower.resume();
    await pass();
    expect(heard).to.deep.equal([1, "gap"]);
    source.server = "three";
    await follower.check();
    await pass();
    await follower.check();
    await pass();
    source.entries = [1, 2].map(entry);
    follower.published(entry(2));
    expect(heard).to.deep.equal([1, "gap", "gap", 2]);
  });

  it("delivers nothing after `stop`, and leaves no timer", async () => {
    const { source, clock, heard, follower, pass } = await start();
    source.failure = new Error("refused");
    follower.published(entry(3));
    await new Promise((resolve) => setImmediate(resolve));
    follower.stop();
    await pass();
    const reads = source.reads;
    source.failure = undefined;
    source.entries = [1, 2, 3].map(entry);
    follower.published(entry(4));
    clock.increment(60_000);
    await pass();
    expect(heard).to.deep.equal([]);
    expect(source.reads).to.equal(reads);
  });
});
