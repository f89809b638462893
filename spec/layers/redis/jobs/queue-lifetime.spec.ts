import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { Redis } from "ioredis";
import { InvalidOptionError } from "../../../../layers/errors.ts";
import { RedisStreamsLayer, type RedisStreamsLayerOptions } from "../../../../layers/redis/index.ts";
import { runScript, tidyScript } from "../../../../layers/redis/jobs/queue-scripts.ts";
import { Worker } from "../../../../layers/testing/index.ts";
import { type Gate, gate } from "../../../support/gate.ts";
import { redisUrl } from "../../../support/redis.ts";
import { until } from "../../support/until.ts";

const dayMs = 24 * 60 * 60 * 1_000;
const job = Buffer.from("81a474797065a36a6f62", "hex");

describe("The keys of a queue on Redis", () => {
  let raw: Redis;
  let prefix: string;
  let key: string;
  let layers: RedisStreamsLayer[];
  let open: Gate;
  before(() => {
    raw = new Redis(redisUrl());
  });
  after(() => raw.quit());
  beforeEach(() => {
    prefix = `lifetime-${randomBytes(6).toString("hex")}`;
    key = `{${prefix}__queue__jobs}`;
    [layers, open] = [[], gate()];
  });
  afterEach(async () => {
    open.open();
    await Promise.all(layers.map((layer) => layer.close()));
  });

  function startLayer(options: Partial<RedisStreamsLayerOptions> = {}): RedisStreamsLayer {
    const layer = new RedisStreamsLayer({ url: redisUrl(), prefix, ...options });
    layers.push(layer);
    return layer;
  }

  /** The time that is left, in milliseconds. */
  const left = (name = key) => raw.pttl(name);

  it("expire a week after the last job, and never while the queue holds a job", async () => {
    const layer = startLayer();
    const worker = new Worker(() => open.opened);
    await layer.send("jobs", { type: "job" });
    expect(await left()).to.equal(-1);
    const consumption = await layer.consume("jobs", worker.handle);
    await worker.hasBegun(1);
    expect(await left()).to.equal(-1);
    open.open();
    await consumption.close();
    expect(await left()).to.be.within(7 * dayMs - 60_000, 7 * dayMs);
    await layer.send("jobs", { type: "job" });
    expect(await left()).to.equal(-1);
  });

  it("expire also if the queue never held a job", async () => {
    const consumption = await startLayer().consume("jobs", () => {});
    await until(async () => (await left()) > 0);
    await consumption.close();
    expect(await left()).to.be.within(7 * dayMs - 60_000, 7 * dayMs);
  });

  it("expire after `queueIdleMs`, but not those of dead letters", async () => {
    const layer = startLayer({ queueIdleMs: 60_000 });
    const fail = () => Promise.reject(new Error("no"));
    layer.onError = () => {};
    // An empty queue of dead letters is left over.
    const cleaner = await layer.consume("jobs.dead", () => {});
    await until(async () => (await left(`${key}.dead`)) > 0);
    await cleaner.close();
    const consumption = await layer.consume("jobs", fail, { maxDeliveries: 1 });
    await layer.send("jobs", { type: "job" });
    await until(async () => (await raw.xlen(`${key}.dead`)) === 1);
    await consumption.close();
    expect(await left()).to.be.within(1, 60_000);
    expect(await left(`${key}.dead`)).to.equal(-1);
  });

  it("are kept by running workers, which also keep an entry of another program", async () => {
    await startLayer().consume("jobs", () => open.opened);
    await until(async () => (await left()) > 0);
    await raw.pexpire(key, 50_000);
    await runScript(raw, tidyScript, [key], "workers", 60_000, "own", 100_000);
    expect(await left()).to.be.within(50_001, 100_000);
    await raw.xadd(key, "*", "payload", job);
    await runScript(raw, tidyScript, [key], "workers", 60_000, "own", 100_000);
    expect(await left()).to.equal(-1);
  });

  it("expire soon after `deleteQueue`: an empty stream within a minute, and a mark within an hour", async () => {
    const layer = startLayer();
    const consumption = await layer.consume("jobs", () => {});
    await consumption.close();
    await layer.send("jobs", { type: "job" });
    expect(await layer.deleteQueue("jobs")).to.equal(1);
    expect(await raw.keys(`*${prefix}__queue__*`)).to.have.members([key, `${key}:deleted`]);
    expect(await raw.xlen(key)).to.equal(0);
    expect(await raw.xinfo("GROUPS", key)).to.deep.equal([]);
    expect(await left()).to.be.within(1, 60_000);
    expect(await left(`${key}:deleted`)).to.be.within(3_000_000, 3_600_000);
    await layer.deleteQueue("unknown");
    expect(await raw.keys(`*${prefix}__queue__*`)).to.have.length(2);
  });

  it("abort a running handler of the same layer at once if they are deleted", async () => {
    const layer = startLayer();
    const worker = new Worker(
      ({ delivery: { signal } }) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
    );
    await layer.consume("jobs", worker.handle, { claimAfterMs: dayMs });
    await layer.send("jobs", { type: "job" });
    await worker.hasBegun(1);
    expect(await layer.deleteQueue("jobs")).to.equal(1);
    await worker.until(() => worker.running === 0);
  });

  // Regression: an entry of the same millisecond got the id of a running job, whose outcome removed the entry.
  it("give later ids to the entries that are added after `deleteQueue`", async () => {
    const layer = startLayer();
    const future = `${Date.now() + dayMs}`;
    await raw.xadd(key, `${future}-0`, "payload", job);
    await layer.deleteQueue("jobs");
    await layer.send("jobs", { type: "job" });
    const [[id] = []] = await raw.xrange(key, "-", "+");
    expect(id).to.equal(`${future}-1`);
    expect(await left()).to.equal(-1);
  });

  it("have an expiry of at least a minute", () => {
    for (const queueIdleMs of [59_999, 0, -1, 60_000.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => startLayer({ queueIdleMs }), String(queueIdleMs)).to.throw(
        InvalidOptionError,
        "`queueIdleMs` must be an integer of at least 60000",
      );
  });
});
