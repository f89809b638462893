import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { Worker } from "../../layers/testing/index.ts";
import { queueLayer } from "../layers/redis/support/queue-layer.ts";
import { until } from "../layers/support/until.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";
import {
  did,
  startWorkerProcess,
  type WorkerProcess,
  type WorkerSettings,
} from "./support/worker-process.ts";

describe("jobs on Redis whose workers die, or only seem to", () => {
  let folder: string;
  let server: RedisServer;
  let prefix: string;
  let layer: ChannelLayer;
  let processes: WorkerProcess[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "greenroom-jobs-"));
    processes = [];
  });
  afterEach(async () => {
    for (const child of processes) child.signal("SIGKILL");
    await Promise.all(processes.map(({ exited }) => exited));
    await layer.close();
    await server.kill();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(redis: Promise<RedisServer> = startRedisServer()): Promise<void> {
    server = await redis;
    prefix = `jobs-${randomBytes(6).toString("hex")}`;
    layer = queueLayer({ url: server.url, prefix, onError: () => {} });
  }

  /** A server that keeps its data when it is killed, so it waits for the disk at each command. */
  const startLastingServer = (port?: number) =>
    startRedisServer({
      ...(port !== undefined && { port }),
      args: ["--appendonly", "yes", "--appendfsync", "always", "--dir", folder],
    });

  async function startWorker(settings: WorkerSettings): Promise<WorkerProcess> {
    const worker = await startWorkerProcess(server.url, prefix, settings);
    processes.push(worker);
    return worker;
  }

  const send = (number: number, job: object = {}) => layer.send("jobs", { type: "job", number, ...job });

  /** The lines of all processes, in the form `number/attempt`. */
  const all = (word: string) =>
    processes.flatMap((child) => did(child, word).map(({ number, attempt }) => `${number}/${attempt}`));

  it("stay with a worker whose event loop is blocked for longer than `claimAfterMs`", async () => {
    await start();
    const settings = { claimAfterMs: 1_000 };
    await Promise.all([startWorker(settings), startWorker(settings), startWorker(settings)]);
    // Counts the jobs beside the long one, which the other workers do.
    await send(1, { spinMs: 5_000 });
    await until(() => all("begin").length === 1);
    for (let number = 2; number < 20; number += 1) await send(number, { ms: 50 });
    await until(() => all("done").length === 19);
    expect(all("begin").filter((line) => line.startsWith("1/"))).to.deep.equal(["1/1"]);
    expect(all("begin").every((line) => line.endsWith("/1"))).to.equal(true);
    expect(all("abort")).to.deep.equal([]);
  });

  it("stay with their worker in an outage that is longer than `claimAfterMs`", async () => {
    await start(startLastingServer());
    const settings = { claimAfterMs: 500, concurrency: 2 };
    const busy = await startWorker(settings);
    await send(1, { ms: 9_000 });
    await until(() => all("begin").length === 1);
    await Promise.all([startWorker(settings), startWorker(settings)]);
    await server.kill();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    server = await startLastingServer(server.port);
    await until(() => all("done").length === 1);
    expect(all("begin")).to.deep.equal(["1/1"]);
    expect(did(busy, "done")).to.have.length(1);
    expect(all("abort")).to.deep.equal([]);
  });

  /** Starts another worker whenever the last one has died, until `isOver` returns true. */
  async function supervise(settings: WorkerSettings, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const worker = await startWorker(settings);
      await until(() => isOver() || !worker.isRunning);
    }
  }

  const shapes = {
    "one consumption": { concurrency: 10 },
    "ten consumptions": { consumptions: 10 },
  };
  for (const [shape, settings] of Object.entries(shapes)) {
    it(`do not suffer from a job that ends the process, in ${shape}`, async () => {
      await start();
      await send(0, { ms: 50, exits: true });
      for (let number = 1; number < 10; number += 1) await send(number, { ms: 300 });
      const dead = new Worker();
      const isOver = () => all("done").length + dead.begun.length >= 10;
      await layer.consume("jobs.dead", dead.handle);
      await supervise({ claimAfterMs: 400, ...settings }, isOver);
      expect(dead.numbers).to.deep.equal([0]);
      // The guilty job has killed as many processes as its deliveries permit, and no more.
      expect(all("begin").filter((line) => line.startsWith("0/"))).to.deep.equal(["0/1", "0/2", "0/3"]);
      const innocent = all("done").sort();
      expect(innocent.map((line) => line[0])).to.deep.equal([..."123456789"]);
      expect(innocent.every((line) => /[12]$/.test(line))).to.equal(true);
      // After the guilty job, all jobs run side by side again.
      for (let number = 10; number < 20; number += 1) await send(number, { ms: 1_000 });
      const last = processes.at(-1) as WorkerProcess;
      await until(() => all("done").length === 19);
      let running = 0;
      const counts = last.lines.map(({ word }) => {
        running += word === "begin" ? 1 : word === "end" ? -1 : 0;
        return running;
      });
      expect(Math.max(...counts)).to.be.above(1);
    });
  }

  it("run alone after the death of their process, so that a second death counts for one of them", async () => {
    await start();
    // The jobs of the first two processes do not end before mocha has killed these.
    const settings = { claimAfterMs: 400, concurrency: 3, addedMs: 60_000 };
    const first = await startWorker(settings);
    for (let number = 1; number <= 3; number += 1) await send(number, { ms: 2_000 });
    await until(() => did(first, "begin").length === 3);
    first.signal("SIGKILL");
    const second = await startWorker(settings);
    await until(() => did(second, "begin").length === 1);
    expect(did(second, "begin")).to.deep.equal([{ word: "begin", number: 1, attempt: 2 }]);
    second.signal("SIGKILL");
    const third = await startWorker({ claimAfterMs: 5_000, concurrency: 3 });
    await until(() => did(third, "done").length === 3);
    const begun = did(third, "begin").map(({ number, attempt }) => `${number}/${attempt}`);
    expect(begun).to.have.members(["1/3", "2/2", "3/2"]);
    // Each begins after the last has ended.
    const order = third.lines.filter(({ word }) => word === "begin" || word === "end");
    expect(order.map(({ word }) => word).join(" ")).to.equal("begin end begin end begin end");
  });
});
