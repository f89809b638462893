import { once } from "node:events";
import { createServer } from "node:net";
import { expect } from "chai";
import { Redis } from "ioredis";
import { Client } from "../support/client.ts";
import { type DemoProcess, runDemo, runDemoOften, startDemoProcess } from "../support/demo-process.ts";
import { freePort } from "../support/free-port.ts";
import { JobClient } from "../support/job-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";

describe("npm start", function () {
  this.timeout(30_000);

  it("prints the address and the layers, closes connections with 1012 on SIGTERM and SIGINT, and exits 0", async () => {
    const end = async (signal: "SIGTERM" | "SIGINT") => {
      const demo = await startDemoProcess();
      expect(demo.printed).to.deep.equal([
        `Greenroom demo: ${demo.url}`,
        `Inspector: ${demo.inspectorUrl}`,
        "Layers: all in memory",
        "Jobs: done in this process",
      ]);
      const client = await Client.open(`${demo.url}/ws/system`);
      // The unfinished job is not a failure.
      const jobs = await JobClient.open(demo.url);
      await jobs.submit("soon over");
      await jobs.hasPassed(0);
      expect(await demo.stop(signal), signal).to.equal(0);
      expect(demo.printed.slice(4), signal).to.deep.equal(["Closing connections…"]);
      expect(await client.closed, signal).to.have.property("code", 1012);
    };
    await Promise.all([end("SIGTERM"), end("SIGINT")]);
  });

  it("reports an invalid setting or a taken port, and exits 1", async () => {
    const server = createServer().listen(0);
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const values = ["http", "65536", "-1"];
    const ended = await runDemoOften("main", [
      ...values.map((PORT) => [[], { PORT }] as const),
      [[], { REDIS_URL: "localhost:6379" }],
      [[], { PORT: `${port}` }],
      [[], { LOG_LEVEL: "loud" }],
    ]);
    server.close();
    expect(ended.map(({ code }) => code)).to.deep.equal([1, 1, 1, 1, 1, 1]);
    expect(ended.map(({ said }) => said)).to.deep.equal([
      ...values.map(
        (value) => `The demo cannot start. PORT is "${value}"; it must be a number from 0 to 65535.\n`,
      ),
      "The demo cannot start. REDIS_URL must look like redis://localhost:6379, or rediss://… for TLS.\n",
      `The demo cannot start. Port ${port} is taken: stop its listener, or choose another port, such as PORT=${port + 1}.\n`,
      'The demo cannot start. LOG_LEVEL is "loud"; it must be one of trace, debug, info, warn, error, fatal, silent.\n',
    ]);
  });

  it("names the Redis that does not answer, without its password, and the remedy, and exits 1", async () => {
    const port = await freePort();
    const REDIS_URL = `redis://user:secret@127.0.0.1:${port}`;
    const { code, said } = await runDemo("main", [], { REDIS_URL });
    expect(code).to.equal(1);
    expect(said)
      .to.match(
        /^The demo cannot start\. .*Start a server there .*unset REDIS_URL: layers are in memory then\.\n$/,
      )
      .and.contain(`127.0.0.1:${port}`)
      .and.not.contain("secret");
  });

  describe("twice on one Redis", () => {
    let redis: RedisServer;
    let one: DemoProcess;
    let two: DemoProcess;
    let monitor: Redis;

    before(async () => {
      redis = await startRedisServer();
      [one, two] = await Promise.all([
        startDemoProcess({ REDIS_URL: redis.url, INSPECT_TOKEN: "not to be printed" }),
        startDemoProcess({ REDIS_URL: redis.url }),
      ]);
      monitor = new Redis(redis.url);
    });
    after(async () => {
      monitor.disconnect();
      await Promise.all([one.stop(), two.stop()]);
      await redis.stop();
    });

    it("shares rooms between the processes, and subscribes only to rooms with members", async () => {
      // All nodes subscribe to one group for the control messages.
      const nodes = "chat__group__greenroom.nodes";
      const groups = async () =>
        ((await monitor.pubsub("CHANNELS", "*__group__*")) as string[]).filter((name) => name !== nodes);
      const isLog = (line: string) => line.startsWith("{"); // the specs' Redis has no append-only file
      expect(one.printed.filter((line) => !isLog(line)).slice(1)).to.deep.equal([
        `Inspector: ${one.url}/inspect?token=$INSPECT_TOKEN (percent-encode the token)`,
        "Layers: chat and notifications on Redis pub/sub, queue, analytics, rooms and state on Redis streams",
        "Jobs: done by workers: start some with `npm run worker`",
      ]);
      expect(await groups()).to.deep.equal([]);
      const ada = await Client.open(`${one.url}/ws/room/general`);
      expect(await ada.next()).to.equal("🚪 Someone joined room 'general'");
      const ben = await Client.open(`${two.url}/ws/room/general`);
      expect(await ben.next()).to.equal("🚪 Someone joined room 'general'");
      const carl = await Client.open(`${two.url}/ws/room/general`);
      await carl.next();
      expect(await groups()).to.deep.equal(["chat__group__room_general"]);
      expect(await monitor.pubsub("NUMSUB", "chat__group__room_general")).to.deep.equal([
        "chat__group__room_general",
        2,
      ]);
      ada.send("across");
      expect(await ada.take(3)).to.deep.equal([
        "🚪 Someone joined room 'general'",
        "🚪 Someone joined room 'general'",
        "💬 across",
      ]);
      expect(await ben.take(2)).to.deep.equal(["🚪 Someone joined room 'general'", "💬 across"]);
      await Promise.all([ben.close(), carl.close()]);
      expect(await ada.take(2)).to.deep.equal([
        "👋 Someone left room 'general'",
        "👋 Someone left room 'general'",
      ]);
      expect(await monitor.pubsub("NUMSUB", "chat__group__room_general")).to.deep.equal([
        "chat__group__room_general",
        1,
      ]);
      await ada.close();
      // On one Redis connection, the room is left before the next one is joined.
      const last = await Client.open(`${one.url}/ws/room/last`);
      await last.next();
      while ((await groups()).length > 1) await new Promise(setImmediate);
      expect(await groups()).to.deep.equal(["chat__group__room_last"]);
      await last.close();
    });

    it("reports at /healthz that Redis is lost, keeps its connections, and recovers", async () => {
      const health = async () => (await fetch(`${one.url}/healthz`)).status;
      const until = async (status: number) => {
        while ((await health()) !== status) await new Promise((resolve) => setTimeout(resolve, 20));
      };
      const client = await Client.open(`${one.url}/ws/room/outage`);
      await client.next();
      expect(await health()).to.equal(200);
      const { port } = new URL(redis.url);
      await redis.stop();
      await until(503);
      redis = await startRedisServer({ port: Number(port) });
      await until(200);
      client.send("back");
      expect(await client.next()).to.equal("💬 back");
      await client.close();
    });
  });
});
