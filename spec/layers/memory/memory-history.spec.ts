import { expect } from "chai";
import fc from "fast-check";
import { SimulatedClock } from "xstate";
import type { HistoryLimit } from "../../../layers/history-limits.ts";
import { MemoryHistory } from "../../../layers/memory/memory-history.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** Two topics share an expiry time. */
const limits: Record<string, HistoryLimit> = {
  a: { capacity: 3, expiryMs: 10_000 },
  b: { capacity: 1, expiryMs: 10_000 },
  c: { capacity: 2, expiryMs: 25_000 },
  d: { capacity: 2, expiryMs: 1_000_000 },
};
const topics = Object.keys(limits);
const limitOf = (topic: string) => limits[topic] as HistoryLimit;
const megabyte = 1024 * 1024;

/** A string is a publish to that topic, a number is seconds that pass. */
const steps = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(...topics) },
    { weight: 10, arbitrary: fc.constantFrom(1, 4, 5, 9) },
    { weight: 1, arbitrary: fc.constantFrom(10, 11, 25, 999) },
  ),
  { minLength: 20, maxLength: 60 },
);

describe("MemoryHistory", () => {
  it("keeps a topic's payloads up to its capacity, until its expiry time passes without a publish", () => {
    fc.assert(
      fc.property(steps, (todo) => {
        let last = 0;
        const clock = new SimulatedClock();
        const history = new MemoryHistory(megabyte, clock);
        const expected = new Map<string, { numbers: number[]; at: number }>();
        for (const step of todo) {
          if (typeof step === "number") clock.increment(step * 1_000);
          for (const [topic, { at }] of expected) {
            if (clock.now() - at >= limitOf(topic).expiryMs) expected.delete(topic);
          }
          expect(history.size, "the timer removes expired topics").to.equal(expected.size);
          if (typeof step === "string") {
            last += 1;
            const numbers = [...(expected.get(step)?.numbers ?? []), last];
            expected.set(step, { numbers, at: clock.now() });
            const position = history.append(step, Uint8Array.of(last), limitOf(step));
            expect(position.offset).to.equal(numbers.length);
          }
          for (const topic of topics) {
            const { entries, position } = history.read(topic, { limit: 100 });
            const numbers = expected.get(topic)?.numbers ?? [];
            const kept = numbers.slice(-limitOf(topic).capacity);
            expect(entries.map(({ payload }) => payload[0])).to.deep.equal(kept);
            expect(position?.offset ?? 0).to.equal(numbers.length);
          }
        }
        clock.increment(1_000_000);
        expect([history.size, history.bytes]).to.deep.equal([0, 0]);
      }),
      { numRuns: 300 },
    );
  });

  it("begins another epoch for an expired topic, even if the timer is late", () => {
    let now = 0;
    const history = new MemoryHistory(megabyte, Object.assign(new ManualClock(), { now: () => now }));
    const limit = { capacity: 1, expiryMs: 10 };
    const epochs = [0, 9, 10].map((passed) => {
      now += passed;
      return history.append("a", Uint8Array.of(1), limit).epoch;
    });
    expect(epochs[1]).to.equal(epochs[0]);
    expect(epochs[2]).not.to.equal(epochs[0]);
    now += 10;
    expect(history.read("a", { limit: 1 }).entries).to.deep.equal([]);
    expect([history.size, history.bytes]).to.deep.equal([0, 0]);
  });

  it("has at most one timer, which keeps no process alive and waits at most 24.8 days", () => {
    const clock = new ManualClock();
    let unreferenced = 0;
    const history = new MemoryHistory(megabyte, {
      setTimeout: (fn, ms) =>
        Object.assign(clock.setTimeout(fn, ms) as object, { unref: () => unreferenced++ }),
      clearTimeout: (id) => clock.clearTimeout(id),
      now: () => 0,
    });
    const delays = () => [...clock.timers.values()].map(({ ms }) => ms);
    for (const [expiryMs, delayMs] of [
      [Number.MAX_SAFE_INTEGER, 2 ** 31 - 1],
      [5_000, 5_000],
      [60_000, 5_000],
      [1, 1_000],
    ] as const) {
      history.append(`${expiryMs}`, Uint8Array.of(1), { capacity: 1, expiryMs });
      expect(delays()).to.deep.equal([delayMs]);
    }
    expect(unreferenced).to.equal(3);
    history.stop();
    expect(delays()).to.deep.equal([]);
    history.append("5000", Uint8Array.of(2), { capacity: 1, expiryMs: 5_000 });
    expect(delays()).to.deep.equal([5_000]);
  });

  it("removes what expired while it was stopped, and sets a timer for the rest, when it starts again", () => {
    const clock = new SimulatedClock();
    const history = new MemoryHistory(megabyte, clock);
    for (const expiryMs of [1_000, 5_000])
      history.append(`${expiryMs}`, Uint8Array.of(1), { capacity: 1, expiryMs });
    history.stop();
    clock.increment(2_000);
    expect(history.size).to.equal(2);
    history.start();
    expect(history.size).to.equal(1);
    clock.increment(3_000);
    expect([history.size, history.bytes]).to.deep.equal([0, 0]);
  });

  it("replaces the oldest payload in constant time, whatever the capacity", () => {
    const limit = { capacity: 60_000, expiryMs: 1_000 };
    const history = new MemoryHistory(64 * megabyte, new SimulatedClock());
    // If each replacement moved all payloads, this would take much longer than the timeout of a spec.
    for (let number = 0; number < 300_000; number += 1) history.append("a", Uint8Array.of(number), limit);
    const { entries } = history.read("a", { limit: 100_000 });
    expect(entries).to.have.length(60_000);
    expect(entries.map(({ payload }) => payload[0])).to.deep.equal(
      Array.from({ length: 60_000 }, (_, index) => (240_000 + index) % 256),
    );
    expect(entries[0]?.position.offset).to.equal(240_001);
  });

  it("stays within its bytes, and never claims that removed payloads are complete", () => {
    const sizes = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.integer({ min: 0, max: 20_000 })), {
      minLength: 50,
      maxLength: 200,
    });
    const limit = { capacity: 50, expiryMs: 1_000 };
    fc.assert(
      fc.property(sizes, (publishes) => {
        const maxBytes = 64 * 1024;
        const history = new MemoryHistory(maxBytes, new SimulatedClock());
        const sent = new Map<string, { epoch: string; sizes: number[] }>();
        for (const [topic, size] of publishes) {
          const { offset, epoch } = history.append(topic, new Uint8Array(size), limit);
          const known = sent.get(topic);
          const sizes = known?.epoch === epoch ? [...known.sizes, size] : [size];
          sent.set(topic, { epoch, sizes });
          expect(offset).to.equal(sizes.length);
          expect(history.bytes).to.be.at.most(maxBytes);
          expect(history.read(topic, { limit: 1 }).entries[0]?.payload, "the newest").to.have.length(size);
          for (const [other, { epoch, sizes }] of sent) {
            const since = { offset: 0, epoch };
            const { entries, complete, position } = history.read(other, { limit: 100, since });
            const kept = entries.map(({ payload }) => payload.length);
            expect(kept).to.deep.equal(sizes.slice(sizes.length - kept.length));
            expect(complete).to.equal(kept.length === sizes.length);
            if (position !== undefined) expect(position).to.deep.equal({ offset: sizes.length, epoch });
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it("removes the payloads of the topic that was silent for longest first", () => {
    const history = new MemoryHistory(64 * 1024, new SimulatedClock());
    const limit = { capacity: 100, expiryMs: 1_000 };
    const append = (topic: string) => history.append(topic, new Uint8Array(10_000), limit);
    for (const topic of ["a", "a", "b", "b", "a", "c"]) append(topic);
    append("c");
    const kept = ["a", "b", "c"].map((topic) => history.read(topic, { limit: 100 }).entries.length);
    expect(kept).to.deep.equal([3, 0, 2]);
  });

  it("does not keep the buffer of which a payload is a view", () => {
    const history = new MemoryHistory(megabyte, new SimulatedClock());
    const buffer = new Uint8Array(8_192).fill(7);
    history.append("a", buffer.subarray(10, 20), { capacity: 1, expiryMs: 1_000 });
    const { payload } = history.read("a", { limit: 1 }).entries[0] ?? {};
    expect([...(payload ?? [])]).to.deep.equal(new Array(10).fill(7));
    expect(payload?.buffer.byteLength).to.equal(10);
  });
});
