import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import { Client } from "../support/client.ts";
import {
  type DemoProcess,
  type DemoProgramProcess,
  runDemo,
  startDemoProcess,
  startWorkerProcess,
} from "../support/demo-process.ts";
import { JobClient } from "../support/job-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";

describe("the demo under faults", () => {
  let folder: string;
  let redis: RedisServer;
  const processes: DemoProgramProcess[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "greenroom-demo-"));
    redis = await startRedis();
  });
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((each) => each.stop("SIGKILL")));
    await redis.kill();
    await rm(folder, { recursive: true });
  });

  /** A Redis with persistence, like that of `docker compose`. */
  const startRedis = (port?: number) =>
    startRedisServer({
      ...(port !== undefined && { port }),
      args: ["--appendonly", "yes", "--appendfsync", "always", "--dir", folder],
    });

  async function startDemo(): Promise<DemoProcess> {
    const demo = await startDemoProcess({ REDIS_URL: redis.url });
    processes.push(demo);
    return demo;
  }

  /** A worker that takes ten seconds per job, so that it can be killed in the middle. */
  async function startWorker(): Promise<DemoProgramProcess> {
    const worker = await startWorkerProcess({ REDIS_URL: redis.url }, "--step-ms", "1000");
    processes.push(worker);
    return worker;
  }

  const isHealthy = async ({ url }: DemoProcess) => (await fetch(`${url}/healthz`)).ok;
  const hasBegun = ({ printed }: DemoProgramProcess) => printed.some((line) => line.includes("begun"));

  /** Checks that no other message arrived before the next expected one. */
  async function expectNothingElse(jobs: JobClient): Promise<void> {
    jobs.watch("end-marker");
    expect((await jobs.next()).message).to.contain("end-marker");
  }

  it("hands the job of a killed worker to another one", async () => {
    const [demo, ...workers] = await Promise.all([startDemo(), startWorker(), startWorker()]);
    const jobs = await JobClient.open(demo.url);
    await jobs.submit("survives");
    await jobs.hasPassed(20);
    const [first, second] = hasBegun(workers[0]) ? workers : [...workers].reverse();
    await first?.stop("SIGKILL");
    // Messages that were on their way, and then the start of the second attempt.
    while ((await jobs.next()).percent !== 10);
    await jobs.hasPassed(90);
    expect(await jobs.result()).to.equal("✅ Processed: SURVIVES");
    expect(second?.printed.filter((line) => line.includes("attempt 2"))).to.have.length(1);
    await expectNothingElse(jobs);
  });

  it("finishes a job and reports it after an outage of Redis in the middle", async () => {
    const [demo] = await Promise.all([startDemo(), startWorker()]);
    const jobs = await JobClient.open(demo.url);
    await jobs.submit("survives");
    await jobs.hasPassed(20);
    await redis.kill();
    await until(async () => !(await isHealthy(demo)));
    redis = await startRedis(redis.port);
    expect(await jobs.result()).to.equal("✅ Processed: SURVIVES");
    await expectNothingElse(jobs);
  });

  it("reports a job after the server was killed and restarted in the middle", async () => {
    const [demo] = await Promise.all([startDemo(), startWorker()]);
    const before = await JobClient.open(demo.url);
    const id = await before.submit("survives");
    await before.hasPassed(20);
    await demo.stop("SIGKILL");
    const after = await JobClient.open((await startDemo()).url);
    after.watch(id);
    expect(await after.result()).to.equal("✅ Processed: SURVIVES");
    await expectNothingElse(after);
  });

  it("removes the members of a killed process from a room", async () => {
    const [one, two] = await Promise.all([startDemo(), startDemo()]);
    const ada = await Client.open(`${one.url}/ws/room/stage?name=Ada`);
    await ada.next();
    const ben = await Client.open(`${two.url}/ws/room/stage?name=Ben`);
    const watcher = await Client.open(`${two.url}/ws/presence/stage`);
    const told = async () => JSON.parse(String(await watcher.next()));
    const keys: string[] = (await told()).members.map(({ key }: { key: string }) => key);
    while (keys.length < 2) keys.push((await told()).key);
    expect(keys).to.have.members(["Ada", "Ben"]);
    await one.stop("SIGKILL");
    expect(await told()).to.deep.equal({ type: "left", key: "Ada" });
    await ben.close();
    expect(await told()).to.deep.equal({ type: "left", key: "Ben" });
  });

  it("shows where the reliable chat continues after Redis lost its messages", async () => {
    const joined = "🔒 Reliable chat connection established!";
    const [one, two] = await Promise.all([startDemo(), startDemo()]);
    const ada = await Client.open(`${one.url}/ws/reliable?since=0`);
    for (const text of ["1", "2", "3"]) ada.send(text);
    expect(await ada.take(4)).to.deep.equal([joined, "📨 1", "📨 2", "📨 3"]);
    const ben = await Client.open(`${two.url}/ws/reliable?since=2`);
    expect(await ben.take(3)).to.deep.equal(["📨 2", "📨 3", joined]);
    expect(await ada.next()).to.equal(joined);
    await redis.kill();
    await rm(folder, { recursive: true });
    await mkdir(folder);
    redis = await startRedis(redis.port);
    await until(async () => (await isHealthy(one)) && (await isHealthy(two)));
    ada.send("after");
    const lost = "⚠️ Messages are missing here. On from 0.";
    for (const client of [ada, ben]) expect(await client.take(2)).to.deep.equal([lost, "📨 after"]);
    const carl = await Client.open(`${two.url}/ws/reliable?since=1`);
    for (const client of [ada, ben, carl]) expect(await client.next()).to.equal(joined);
  });

  it("names a Redis that accepts connections but never replies, and exits with 1 within 20 s", async () => {
    let connectedAt = Number.POSITIVE_INFINITY;
    const silent = createServer(() => {
      connectedAt = Math.min(connectedAt, performance.now());
    }).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const settings = { REDIS_URL: `redis://127.0.0.1:${port}` };
    const programs = [
      ["main", []],
      ["worker", []],
      ["send", ["chat", "hello"]],
    ] as const;
    // One after the other, because each start takes seconds of CPU time.
    for (const [program, args] of programs) {
      connectedAt = Number.POSITIVE_INFINITY;
      const { code, said } = await runDemo(program, args, settings);
      // The time before the connection is that of loading the modules, which depends on the machine.
      expect(performance.now() - connectedAt).to.be.within(0, 20_000);
      expect(code, said).to.equal(1);
      expect(said).to.contain(`127.0.0.1:${port}`).and.contain("Start a server there");
    }
    silent.close();
  });
});
