import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { Redis } from "ioredis";
import type { ChannelLayer } from "../../../../layers/channel-layer.ts";
import type { Message } from "../../../../layers/message.ts";
import { doneScript, runScript } from "../../../../layers/redis/jobs/queue-scripts.ts";
import { Worker } from "../../../../layers/testing/index.ts";
import { type Gate, gate } from "../../../support/gate.ts";
import { redisUrl } from "../../../support/redis.ts";
import { until } from "../../support/until.ts";
import { type QueueLayerOptions, queueLayer } from "../support/queue-layer.ts";

describe("The outcome of a job on Redis", () => {
  let raw: Redis;
  let prefix: string;
  let key: string;
  let layers: ChannelLayer[];
  let open: Gate;
  before(() => {
    raw = new Redis(redisUrl());
  });
  after(() => raw.quit());
  beforeEach(() => {
    prefix = `queues-${randomBytes(6).toString("hex")}`;
    key = `{${prefix}__queue__jobs}`;
    layers = [];
    open = gate();
  });
  afterEach(async () => {
    open.open();
    await Promise.all(layers.map((layer) => layer.close()));
  });

  function startLayer(options: Partial<QueueLayerOptions> = {}): ChannelLayer {
    const layer = queueLayer({ url: redisUrl(), prefix, onError() {}, ...options });
    layers.push(layer);
    return layer;
  }

  const send = (layer: ChannelLayer, number: number) => layer.send("jobs", { type: "job", number });

  /** The queue's pending entries, as `[id, consumer, idle, deliveries]`. */
  const pending = async () =>
    (await raw.xpending(key, "workers", "-", "+", 100)) as [string, string, number, number][];

  /** Begins a job, moves its entry to another consumer, and lets the job end. Returns the calls of `onDone`. */
  async function endElsewhere(consumer: string, isRemoved: boolean): Promise<unknown[]> {
    const layer = startLayer();
    const worker = new Worker(() => open.opened);
    const done: unknown[] = [];
    const onDone = ({ number }: Message) => done.push(number);
    const consumption = await layer.consume("jobs", worker.handle, { onDone, claimAfterMs: 100 });
    await send(layer, 1);
    await worker.hasBegun(1);
    const [id = ""] = (await pending())[0] ?? [];
    await raw.xclaim(key, "workers", consumer, 0, id);
    await until(() => worker.begun[0]?.delivery.signal.aborted === true);
    if (isRemoved) await raw.multi().xack(key, "workers", id).xdel(key, id).exec();
    open.open();
    await consumption.close();
    return done;
  }

  it("removes a job that another worker has taken over, and calls `onDone`", async () => {
    expect(await endElsewhere("other-1-alone", false)).to.deep.equal([1]);
    expect(await raw.xlen(key)).to.equal(0);
  });

  it("does not call `onDone` if another worker has removed the job", async () => {
    expect(await endElsewhere("other-1", true)).to.deep.equal([]);
  });

  it("neither removes a job that another worker is burying, nor calls `onDone`", async () => {
    expect(await endElsewhere("other-1-burying", false)).to.deep.equal([]);
    expect(await pending()).to.have.length(1);
  });

  it("calls `onDead` while no other worker can end the job, and only if none has", async () => {
    const layer = startLayer();
    const worker = new Worker(async () => {
      await open.opened;
      throw new Error("no");
    });
    const holders: unknown[] = [];
    const onDead = async () => void holders.push(...(await pending()).map(([, consumer]) => consumer));
    const consumption = await layer.consume("jobs", worker.handle, {
      onDead,
      maxDeliveries: 1,
      concurrency: 2,
    });
    await send(layer, 1);
    await send(layer, 2);
    await worker.hasBegun(2);
    const [first, second] = await pending();
    await raw
      .multi()
      .xack(key, "workers", first?.[0] ?? "")
      .xdel(key, first?.[0] ?? "")
      .exec();
    open.open();
    await consumption.close();
    expect(holders).to.deep.equal([`${second?.[1]}-burying`]);
    expect(layer.counters().dropped).to.deep.equal({ "dead-letter": 1 });
    expect(await raw.xlen(`${key}.dead`)).to.equal(1);
  });

  it("calls `onExpired` while no other worker can end the job", async () => {
    const layer = startLayer({ queueExpiryMs: 1 });
    await send(layer, 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const holders: unknown[] = [];
    const onExpired = async () =>
      void holders.push(...(await pending()).map(([, consumer, , attempt]) => [consumer.slice(-8), attempt]));
    await layer.consume("jobs", () => {}, { onExpired });
    await until(async () => (await raw.xlen(key)) === 0);
    expect(holders).to.deep.equal([["-burying", 0]]);
  });

  it("is accepted from the worker that is burying the job, and from no other", async () => {
    const layer = startLayer();
    await (await layer.consume("jobs", () => {})).close();
    await send(layer, 1);
    await raw.xreadgroup("GROUP", "workers", "one-1-burying", "STREAMS", key, ">");
    const [[id = ""] = []] = await pending();
    const done = (consumer: string) => runScript(raw, doneScript, [key], "workers", id, consumer, 60_000);
    expect(await done("two-1")).to.equal(0);
    expect(await done("one-1-burying")).to.equal(1);
    expect(await raw.xlen(key)).to.equal(0);
  });

  /** Lets a job end right after its queue is gone, so that its report meets the missing group. */
  async function endWithoutQueue(fails: boolean, remove: () => Promise<unknown>): Promise<unknown[]> {
    const layer = startLayer();
    const told: unknown[] = [];
    const worker = new Worker(async () => {
      await open.opened;
      if (fails) throw new Error("no");
    });
    const consumption = await layer.consume("jobs", worker.handle, {
      maxDeliveries: 1,
      onDone: ({ number }: Message) => told.push(["done", number]),
      onDead: ({ number }: Message) => told.push(["dead", number]),
    });
    await send(layer, 1);
    await worker.hasBegun(1);
    await remove();
    open.open();
    await worker.until(() => worker.running === 0);
    await consumption.close();
    return told;
  }

  for (const [fails, what] of [
    [false, "done"],
    [true, "dead"],
  ] as const) {
    it(`is told if the queue has vanished, because no other worker has the job (${what})`, async () => {
      expect(await endWithoutQueue(fails, () => raw.del(key))).to.deep.equal([[what, 1]]);
      expect(await raw.xlen(`${key}.dead`)).to.equal(fails ? 1 : 0);
    });

    it(`is not told if the queue was deleted (${what})`, async () => {
      const remove = () => startLayer().deleteQueue("jobs");
      expect(await endWithoutQueue(fails, remove)).to.deep.equal([]);
      expect(await raw.xlen(`${key}.dead`)).to.equal(0);
    });
  }
});
