import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { Redis } from "ioredis";
import type { JobDelivery } from "../../../../layers/backend.ts";
import type { ChannelLayer } from "../../../../layers/channel-layer.ts";
import type { JobExpiredError } from "../../../../layers/errors.ts";
import type { Message } from "../../../../layers/message.ts";
import { OrphanSearch } from "../../../../layers/redis/jobs/orphan-search.ts";
import { RedisQueueConsumer } from "../../../../layers/redis/jobs/queue-consumer.ts";
import { runScript, takeOverScript } from "../../../../layers/redis/jobs/queue-scripts.ts";
import { Worker } from "../../../../layers/testing/index.ts";
import { redisUrl } from "../../../support/redis.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { until } from "../../support/until.ts";
import { type QueueLayerOptions, queueLayer } from "../support/queue-layer.ts";

describe("OrphanSearch", () => {
  let raw: Redis;
  let prefix: string;
  let key: string;
  let layers: ChannelLayer[];
  let errors: Error[];
  before(() => {
    raw = new Redis(redisUrl());
  });
  after(() => raw.quit());
  beforeEach(() => {
    prefix = `queues-${randomBytes(6).toString("hex")}`;
    key = `{${prefix}__queue__jobs}`;
    layers = [];
    errors = [];
  });
  afterEach(async () => {
    await Promise.all(layers.map((layer) => layer.close()));
  });

  function startLayer(options: Partial<QueueLayerOptions> = {}): ChannelLayer {
    const layer = queueLayer({
      url: redisUrl(),
      prefix,
      onError: (error) => errors.push(error as Error),
      ...options,
    });
    layers.push(layer);
    return layer;
  }

  const send = (layer: ChannelLayer, number: number) => layer.send("jobs", { type: "job", number });

  /** The queue's pending entries, as `[id, consumer, idle, deliveries]`. */
  const pending = async () =>
    (await raw.xpending(key, "workers", "-", "+", 100)) as [string, string, number, number][];

  it("takes over the job of a silent consumer as another attempt", async () => {
    const layer = startLayer();
    const first = await layer.consume("jobs", () => {});
    await first.close();
    await send(layer, 1);
    await send(layer, 2);
    await raw.xreadgroup("GROUP", "workers", "dead", "COUNT", 1, "STREAMS", key, ">");
    const worker = new Worker();
    await layer.consume("jobs", worker.handle, { claimAfterMs: 100 });
    await worker.hasBegun(2);
    expect(worker.attempts).to.deep.equal([
      [2, 1],
      [1, 2],
    ]);
  });

  it("buries a message whose workers died `maxDeliveries` times, without another attempt", async () => {
    const layer = startLayer();
    await (await layer.consume("jobs", () => {})).close();
    await send(layer, 1);
    await raw.xreadgroup("GROUP", "workers", "dead", "COUNT", 1, "STREAMS", key, ">");
    const [id = ""] = (await pending())[0] ?? [];
    await raw.xclaim(key, "workers", "dead", 0, id, "RETRYCOUNT", 3, "JUSTID");
    const [worker, dead] = [new Worker(), new Worker()];
    const buried: unknown[] = [];
    const onDead = ({ type }: Message, { attempt }: JobDelivery, error: unknown) =>
      buried.push([type, attempt, String(error)]);
    await layer.consume("jobs", worker.handle, { onDead, claimAfterMs: 100 });
    await layer.consume("jobs.dead", dead.handle);
    await dead.hasBegun(1);
    expect(worker.numbers).to.deep.equal([]);
    expect(dead.attempts).to.deep.equal([[1, 1]]);
    expect(buried).to.deep.equal([
      ["job", 4, 'Error: The workers that handled a message of "jobs" died 3 times.'],
    ]);
    expect(layer.counters().dropped).to.deep.equal({ "dead-letter": 1 });
    expect(errors.map(({ message }) => message).join()).to.include("died 3 times");
  });

  for (const [what, consumers, attempts] of [
    ["alone in its process", ["dead-1"], [2]],
    ["in company, in one consumer", ["dead-1", "dead-1"], [4, 4]],
    ["in company, in two consumers of one process", ["dead-1", "dead-2"], [4, 4]],
    ["alone, beside a job of another process", ["one-1", "two-1"], [5, 5]],
    ["as an orphan, although in company", ["dead-1-alone", "dead-1"], [5, 4]],
  ] as const) {
    it(`counts the death of a job that ran ${what}`, async () => {
      const layer = startLayer();
      await (await layer.consume("jobs", () => {})).close();
      for (const [index, consumer] of consumers.entries()) {
        await send(layer, index + 1);
        await raw.xreadgroup("GROUP", "workers", consumer, "COUNT", 1, "STREAMS", key, ">");
        const id = (await pending()).at(-1)?.[0] ?? "";
        const attempt = consumers.length === 1 ? 1 : 4;
        await raw.xclaim(key, "workers", consumer, 0, id, "RETRYCOUNT", attempt, "JUSTID");
      }
      const lastSigns = raw.multi();
      for (const [id, consumer] of await pending())
        lastSigns.xclaim(key, "workers", consumer, 0, id, "IDLE", 0, "JUSTID");
      await lastSigns.exec();
      const worker = new Worker();
      await layer.consume("jobs", worker.handle, { claimAfterMs: 100, concurrency: 5, maxDeliveries: 9 });
      await worker.hasBegun(consumers.length);
      expect(worker.attempts).to.deep.equal(attempts.map((attempt, index) => [index + 1, attempt]));
      expect(worker.most).to.equal(1);
    });
  }

  it("counts the first death in company as a delivery, so that the job does not look new", async () => {
    const layer = startLayer();
    await (await layer.consume("jobs", () => {})).close();
    await send(layer, 1);
    await send(layer, 2);
    await raw.xreadgroup("GROUP", "workers", "dead-1", "STREAMS", key, ">");
    const worker = new Worker();
    await layer.consume("jobs", worker.handle, { claimAfterMs: 100 });
    await worker.hasBegun(2);
    expect(worker.attempts).to.deep.equal([
      [1, 2],
      [2, 2],
    ]);
  });

  it("takes nothing from a consumer that has given a life sign since it seemed dead", async () => {
    const layer = startLayer();
    await (await layer.consume("jobs", () => {})).close();
    await send(layer, 1);
    await raw.xreadgroup("GROUP", "workers", "lively-1", "STREAMS", key, ">");
    const [[id = ""] = []] = await pending();
    const takeOver = (idleMs: number) =>
      runScript(raw, takeOverScript, [key], "workers", "heir-1-alone", "orphans", idleMs, "lively-1");
    expect(await takeOver(60_000)).to.deep.equal([]);
    expect((await pending()).map(([, consumer]) => consumer)).to.deep.equal(["lively-1"]);
    const [[taken, attempt] = []] = (await takeOver(0)) as [Buffer, number][];
    expect([String(taken), attempt]).to.deep.equal([id, 2]);
  });

  it("takes jobs from a consumer that is silent, and none from one that gives life signs", async () => {
    const layer = startLayer();
    await (await layer.consume("jobs", () => {})).close();
    await send(layer, 1);
    await raw.xreadgroup("GROUP", "workers", "lively-1", "STREAMS", key, ">");
    const [[id = ""] = []] = await pending();
    // Its time passes only from one observation to the next. The server's own time passes meanwhile.
    const claimAfterMs = 100_000;
    const clock = new ManualClock();
    let time = 0;
    const { now } = performance;
    performance.now = () => time;
    const run = <T>(command: (redis: Redis) => Promise<T>) => command(raw);
    const consumer = new RedisQueueConsumer(
      `${prefix}__queue__jobs`,
      { run },
      { measuresAge: false, queueIdleMs: 60_000 },
    );
    const search = new OrphanSearch(consumer, {
      clock,
      claimAfterMs,
      onError: (error) => errors.push(error),
    });
    const { signal } = new AbortController();
    /** Lets the search observe, and returns the attempts of the jobs that it takes. */
    const observe = async () => {
      // More than the pause before an observation, which is the most that counts.
      time += claimAfterMs;
      clock.fire();
      await until(() => clock.timers.size === 1);
      return (await search.take(signal)).map(({ attempt }) => attempt);
    };
    const seemsSilent = () => raw.xclaim(key, "workers", "lively-1", 0, id, "IDLE", 60_000, "JUSTID");
    try {
      search.open();
      await until(() => clock.timers.size === 1);
      // After each step of the server's clock, the claim seems idle for a minute, until the next life sign.
      for (let step = 0; step < 10; step += 1) {
        await seemsSilent();
        expect(await observe()).to.deep.equal([]);
        await raw.xclaim(key, "workers", "lively-1", 0, id, "JUSTID");
        expect(await observe()).to.deep.equal([]);
      }
      await seemsSilent();
      for (let times = 0; times < 3; times += 1) expect(await observe()).to.deep.equal([]);
      expect(await observe()).to.deep.equal([2]);
    } finally {
      performance.now = now;
      search.close();
    }
    expect(errors).to.deep.equal([]);
  });

  it("returns the jobs of a dead consumer that waited for a retry, which do not run alone", async () => {
    const layer = startLayer();
    await (await layer.consume("jobs", () => {})).close();
    for (const number of [1, 2, 3]) await send(layer, number);
    await raw.xreadgroup("GROUP", "workers", "dead-1-waiting", "STREAMS", key, ">");
    const worker: Worker = new Worker(({ message }) =>
      message.number === 1 ? worker.hasBegun(3) : undefined,
    );
    // Its gate must not close, because the first job ends only beside the others.
    await layer.consume("jobs", worker.handle, { claimAfterMs: 100, concurrency: 3 });
    await worker.hasBegun(3);
    expect(worker.most).to.equal(3);
    expect(worker.attempts).to.deep.equal([
      [1, 2],
      [2, 2],
      [3, 2],
    ]);
  });

  it("blames the only job that ran, although others waited for a retry", async () => {
    const layer = startLayer();
    await (await layer.consume("jobs", () => {})).close();
    for (const consumer of ["dead-1", "dead-1-waiting"]) {
      await send(layer, consumer.length);
      await raw.xreadgroup("GROUP", "workers", consumer, "COUNT", 1, "STREAMS", key, ">");
      const id = (await pending()).at(-1)?.[0] ?? "";
      await raw.xclaim(key, "workers", consumer, 0, id, "RETRYCOUNT", 4, "JUSTID");
    }
    const worker = new Worker();
    await layer.consume("jobs", worker.handle, { claimAfterMs: 100, maxDeliveries: 9 });
    await worker.hasBegun(2);
    expect(worker.attempts).to.have.deep.members([
      ["dead-1".length, 5],
      ["dead-1-waiting".length, 5],
    ]);
  });

  it("takes no jobs of a waiting consumer that gives life signs", async () => {
    const layer = startLayer();
    const failing = new Worker(() => Promise.reject(new Error("not yet")));
    const options = { claimAfterMs: 100, retryAfterMs: 3_600_000 };
    await layer.consume("jobs", failing.handle, options);
    await send(layer, 1);
    await until(async () => (await pending())[0]?.[1].endsWith("-waiting") === true);
    const other = new Worker();
    await startLayer().consume("jobs", other.handle, options);
    // A consumer that is really dead shows that enough time has passed.
    await raw.xadd(key, "*", "payload", "x");
    await raw.xreadgroup("GROUP", "workers", "dead-1", "COUNT", 1, "STREAMS", key, ">");
    await until(async () => (await raw.xlen(`${key}.dead`)) === 1);
    expect((await pending()).map(([, consumer, , attempt]) => [consumer.slice(-8), attempt])).to.deep.equal([
      ["-waiting", 1],
    ]);
    expect(other.begun).to.have.length(0);
  });

  it("expires a job again whose worker died while it told about the expiry", async () => {
    const layer = startLayer({ queueExpiryMs: 1 });
    await send(layer, 1);
    await raw.xgroup("CREATE", key, "workers", "0");
    await raw.xreadgroup("GROUP", "workers", "dead-1-burying", "STREAMS", key, ">");
    const [[id = ""] = []] = await pending();
    await raw.xclaim(key, "workers", "dead-1-burying", 0, id, "RETRYCOUNT", 0, "JUSTID");
    const expired: unknown[] = [];
    const onExpired = ({ number }: Message, { attempt }: JobDelivery, { code }: JobExpiredError) =>
      expired.push([number, attempt, code]);
    const worker = new Worker();
    await layer.consume("jobs", worker.handle, { claimAfterMs: 100, onExpired });
    await until(async () => (await raw.xlen(key)) === 0);
    expect(expired).to.deep.equal([[1, 1, "ERR_JOB_EXPIRED"]]);
    expect(worker.begun).to.have.length(0);
  });

  it("does not report that a queue has no consumer group, because its source does", async () => {
    let failed = 0;
    const run = <T>(command: (redis: Redis) => Promise<T>) =>
      command(raw).catch((cause: Error) => {
        failed += 1;
        throw new Error("refused", { cause });
      });
    const settings = { measuresAge: false, queueIdleMs: 60_000 };
    const consumer = new RedisQueueConsumer(`${prefix}__queue__jobs`, { run }, settings);
    const onError = (error: Error) => errors.push(error);
    const search = new OrphanSearch(consumer, { clock: globalThis, claimAfterMs: 100, onError });
    search.open();
    await until(() => failed === 2);
    search.close();
    expect(errors).to.deep.equal([]);
  });
});
