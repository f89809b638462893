import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { Redis } from "ioredis";
import type { Consumption } from "../../layers/backend.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { Worker } from "../../layers/testing/index.ts";
import { queueLayer } from "../layers/redis/support/queue-layer.ts";
import { until } from "../layers/support/until.ts";
import { nextTurn } from "../support/next-turn.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";
import { pauses } from "../support/waiting.ts";
import { did, startWorkerProcess, type WorkerProcess } from "./support/worker-process.ts";

describe("work queues on Redis under faults", () => {
  let server: RedisServer;
  let prefix: string;
  let key: string;
  let layers: ChannelLayer[];
  let processes: WorkerProcess[];
  beforeEach(async () => {
    server = await startRedisServer();
    prefix = `queues-${randomBytes(6).toString("hex")}`;
    key = `{${prefix}__queue__jobs}`;
    [layers, processes] = [[], []];
  });
  afterEach(async () => {
    for (const child of processes) child.signal("SIGKILL");
    await Promise.all(processes.map(({ exited }) => exited));
    await Promise.all(layers.map((layer) => layer.close()));
    await server.kill();
  });

  function startLayer(connectTimeoutMs = 5_000): ChannelLayer {
    const layer = queueLayer({ url: server.url, prefix, connectTimeoutMs, onError: () => {} });
    layers.push(layer);
    return layer;
  }

  async function startWorker(claimAfterMs: number): Promise<WorkerProcess> {
    const worker = await startWorkerProcess(server.url, prefix, { claimAfterMs });
    processes.push(worker);
    return worker;
  }

  const send = (layer: ChannelLayer, number: number, ms = 0) =>
    layer.send("jobs", { type: "job", number, ms });

  const count = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index);

  async function withRedis<T>(use: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(server.url);
    try {
      return await use(redis);
    } finally {
      redis.disconnect();
    }
  }

  /** Sends numbers one after the other until it is stopped, and repeats each send that rejects. */
  function sendOn(layer: ChannelLayer): { readonly last: () => number; stop(): Promise<number> } {
    let [last, isStopped] = [0, false];
    const sending = (async () => {
      while (!isStopped) {
        try {
          await send(layer, last + 1);
          last += 1;
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    })();
    return {
      last: () => last,
      async stop() {
        isStopped = true;
        await sending;
        return last;
      },
    };
  }

  /** Resolves when the queue has no entries left, waiting or begun. */
  async function empty(): Promise<void> {
    await withRedis(async (redis) => {
      let length = 1;
      while (length > 0) length = await redis.xlen(key);
    });
  }

  /** Stops a worker that has begun a job and not ended it. */
  async function stopInJob(worker: WorkerProcess): Promise<void> {
    const pause = pauses(100);
    for (;;) {
      worker.signal("SIGSTOP");
      // Its last lines arrive.
      await pause();
      await nextTurn();
      if (did(worker, "begin").length > did(worker, "end").length) return;
      worker.signal("SIGCONT");
      await until(() => did(worker, "begin").length > did(worker, "end").length);
    }
  }

  it("hand the job of a killed worker to another one, as another attempt", async () => {
    const layer = startLayer();
    const [doomed, heir] = [await startWorker(1_000), await startWorker(1_000)];
    for (const number of count(1, 200)) await send(layer, number, 50);
    await until(() => did(doomed, "end").length >= 20);
    await stopInJob(doomed);
    doomed.signal("SIGKILL");
    await doomed.exited;
    await empty();
    await until(() => did(heir, "begin").length === did(heir, "end").length);
    const ends = [...did(doomed, "end"), ...did(heir, "end")];
    expect(new Set(ends.map(({ number }) => number))).to.deep.equal(new Set(count(1, 200)));
    const repeated = [...did(doomed, "begin"), ...did(heir, "begin")].filter(({ attempt }) => attempt > 1);
    expect(repeated).to.have.length(1);
    expect(repeated[0]).to.include({ attempt: 2 });
    expect(did(doomed, "begin").map(({ number }) => number)).to.include(repeated[0]?.number);
    // Only the repeated job may have ended twice.
    expect(ends.length - 200).to.be.within(0, 1);
    const names = await withRedis((redis) => redis.xinfo("CONSUMERS", key, "workers"));
    // The job of the killed worker was held by two more consumers: that of orphans, and the heir's second.
    expect(names).to.have.length(4);
    await until(() => layer.health.ok);
    let left = 4;
    while (left > 1)
      left = ((await withRedis((redis) => redis.xinfo("CONSUMERS", key, "workers"))) as unknown[]).length;
  });

  it("hand the job of a frozen worker to another one, and abort its signal when it resumes", async () => {
    const layer = startLayer();
    const [one, other] = [await startWorker(600), await startWorker(600)];
    // Long enough that the frozen worker's own job is not at its end before the worker resumes.
    await send(layer, 1, 10_000);
    await until(() => [one, other].some((worker) => did(worker, "begin").length === 1));
    // Both workers were started before, because the start of a process may take longer than the job.
    const [frozen, heir] = did(one, "begin").length === 1 ? [one, other] : [other, one];
    frozen.signal("SIGSTOP");
    await until(() => did(heir, "begin").length === 1);
    expect(did(heir, "begin")).to.deep.equal([{ word: "begin", number: 1, attempt: 2 }]);
    frozen.signal("SIGCONT");
    await until(() => did(frozen, "abort").length === 1);
    await until(() => did(heir, "end").length === 1);
    await until(() => did(frozen, "end").length === 1);
    await empty();
    // The worker that ended the job first has removed it.
    expect([...did(frozen, "done"), ...did(heir, "done")]).to.have.length(1);
    await send(layer, 2);
    await until(() => [...did(frozen, "end"), ...did(heir, "end")].some(({ number }) => number === 2));
    expect([...did(frozen, "begin"), ...did(heir, "begin")]).to.have.length(3);
  });

  it("let a worker that is told to stop finish its job, and do nothing twice", async () => {
    const layer = startLayer();
    const [leaving, stays] = [await startWorker(30_000), await startWorker(30_000)];
    for (const number of count(1, 100)) await send(layer, number, 5);
    await until(() => did(leaving, "end").length >= 10);
    leaving.signal("SIGTERM");
    await leaving.exited;
    await empty();
    await until(() => did(stays, "begin").length === did(stays, "end").length);
    const ends = [...did(leaving, "end"), ...did(stays, "end")];
    expect(ends.map(({ number }) => number).sort((a, b) => a - b)).to.deep.equal(count(1, 100));
    expect(ends.every(({ attempt }) => attempt === 1)).to.equal(true);
  });

  describe("in traffic", () => {
    let worker: Worker;
    let consumptions: Consumption[];
    let traffic: ReturnType<typeof sendOn>;

    async function startTraffic(connectTimeoutMs?: number): Promise<void> {
      worker = new Worker();
      const nodes = [startLayer(connectTimeoutMs), startLayer(connectTimeoutMs)];
      consumptions = await Promise.all(
        nodes.map((node) => node.consume("jobs", worker.handle, { concurrency: 4, claimAfterMs: 1_000 })),
      );
      traffic = sendOn(startLayer(connectTimeoutMs));
      await worker.hasBegun(500);
    }

    /** Checks that every number has been handled. */
    async function endTraffic(): Promise<void> {
      const last = await traffic.stop();
      await empty();
      await Promise.all(consumptions.map((consumption) => consumption.close()));
      expect(new Set(worker.numbers)).to.deep.equal(new Set(count(1, last)));
    }

    function firstAttemptsTwice(): number {
      const first = worker.begun.filter(({ delivery }) => delivery.attempt === 1);
      return first.length - new Set(first.map(({ message }) => message.number)).size;
    }

    const progress = () => worker.hasBegun(worker.begun.length + 500);

    it("lose nothing when Redis is frozen for 5 s, and continue", async () => {
      await startTraffic(2_000);
      await server.pause();
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      await server.resume();
      await progress();
      await endTraffic();
      // The sender sends one number at a time. It repeats a send that received no reply in time, so a number
      // may be queued more than once.
      expect(firstAttemptsTwice()).to.be.at.most(3);
    });

    it("handle every message once when the blocking connections are killed 50 times", async () => {
      await startTraffic();
      await withRedis(async (redis) => {
        for (let kills = 0; kills < 50; ) {
          const list = String(await redis.client("LIST"));
          const ids = [...list.matchAll(/^id=(\d+) .* name=greenroom-queue-reader /gm)].map(([, id]) =>
            Number(id),
          );
          for (const id of ids) kills += Number(await redis.call("CLIENT", "KILL", "ID", id));
          await worker.hasBegun(worker.begun.length + 20);
        }
      });
      await progress();
      await endTraffic();
      expect(firstAttemptsTwice()).to.equal(0);
      expect(worker.begun.filter(({ delivery }) => delivery.attempt > 1)).to.have.length(0);
    });

    it("lose nothing when the command connections are killed 20 times, and mark repetitions", async () => {
      await startTraffic();
      let resent = 0;
      await withRedis(async (redis) => {
        for (let kills = 0; kills < 20; ) {
          const list = String(await redis.client("LIST"));
          const ids = [...list.matchAll(/^id=(\d+) .* name=greenroom-queues /gm)].map(([, id]) => Number(id));
          for (const id of ids) kills += Number(await redis.call("CLIENT", "KILL", "ID", id));
          resent += 1;
          await worker.hasBegun(worker.begun.length + 20);
        }
      });
      await progress();
      await endTraffic();
      expect(firstAttemptsTwice()).to.be.at.most(resent);
    });

    it("handle the jobs that are sent after a FLUSHALL", async () => {
      await startTraffic();
      await withRedis((redis) => redis.flushall());
      const from = traffic.last() + 2;
      await progress();
      const last = await traffic.stop();
      await empty();
      const handled = new Set(worker.numbers);
      expect(count(from, last).filter((number) => !handled.has(number))).to.deep.equal([]);
      expect(last - from).to.be.above(100);
    });

    it("handle the jobs that are sent after Redis was killed and restarted empty", async () => {
      await startTraffic();
      await server.kill();
      server = await startRedisServer({ port: server.port });
      const from = traffic.last() + 2;
      await progress();
      const last = await traffic.stop();
      await empty();
      const handled = new Set(worker.numbers);
      expect(count(from, last).filter((number) => !handled.has(number))).to.deep.equal([]);
    });
  });

  it("close without waiting for a Redis that is gone", async () => {
    const layer = startLayer(1_000);
    const worker = new Worker();
    const consumption = await layer.consume("jobs", worker.handle);
    await send(layer, 1);
    await worker.hasBegun(1);
    await server.kill();
    await consumption.close();
    await layer.close();
  });

  it("close without waiting for a frozen Redis", async () => {
    const layer = startLayer(1_000);
    const worker = new Worker();
    const consumption = await layer.consume("jobs", worker.handle, { concurrency: 2 });
    await send(layer, 1);
    await worker.hasBegun(1);
    await server.pause();
    const before = performance.now();
    await consumption.close();
    await layer.close();
    expect(performance.now() - before).to.be.below(10_000);
    await server.resume();
  });
});
