import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect } from "chai";
import { Redis } from "ioredis";
import { SimulatedClock } from "xstate";
import type { ChannelLayer } from "../../../../layers/channel-layer.ts";
import type { Clock } from "../../../../layers/clock.ts";
import {
  type AnyConnectionOptions,
  redisServer,
} from "../../../../layers/redis/connection/server-options.ts";
import { runScript, tidyScript } from "../../../../layers/redis/jobs/queue-scripts.ts";
import { RedisQueues } from "../../../../layers/redis/jobs/redis-queues.ts";
import { describeJobQueues, Worker } from "../../../../layers/testing/index.ts";
import { run } from "../../../support/child-process.ts";
import { type Gate, gate } from "../../../support/gate.ts";
import { nextTurn } from "../../../support/next-turn.ts";
import { type RedisServer, redisUrl, startRedisServer } from "../../../support/redis.ts";
import { startTcpProxy } from "../../../support/tcp-proxy.ts";
import { until } from "../../support/until.ts";
import { queueLayer } from "../support/queue-layer.ts";

/** A client that does not use this package. */
let raw: Redis;
before(() => {
  raw = new Redis(redisUrl());
});
after(() => raw.quit());

describeJobQueues("RedisQueues", {
  ...{ describe, it, beforeEach, afterEach },
  startNode: (prefix, options) => queueLayer({ ...options, url: redisUrl(), prefix }),
  publish: (topic, payload) => raw.publish(topic, Buffer.from(payload)),
  enqueue: (queue, payload) => raw.xadd(`{${queue}}`, "*", "payload", Buffer.from(payload)),
});

describe("RedisQueues on a server", () => {
  let prefix: string;
  let key: string;
  let layers: ChannelLayer[];
  let errors: Error[];
  let open: Gate;
  let servers: RedisServer[];
  beforeEach(() => {
    prefix = `queues-${randomBytes(6).toString("hex")}`;
    key = `{${prefix}__queue__jobs}`;
    [layers, errors, servers] = [[], [], []];
    open = gate();
  });
  afterEach(async () => {
    open.open();
    await Promise.all(layers.map((layer) => layer.close()));
    await Promise.all(servers.map((server) => server.kill()));
  });

  function startLayer(url = redisUrl(), clock?: Clock): ChannelLayer {
    const onError = (error: unknown) => errors.push(error as Error);
    const layer = queueLayer({ url, prefix, onError, ...(clock && { clock }) });
    layers.push(layer);
    return layer;
  }

  const send = (layer: ChannelLayer, number: number) => layer.send("jobs", { type: "job", number });

  /** Whether the server blocks a reader, which waits for jobs. */
  const isReading = async () =>
    /name=greenroom-queue-reader .*flags=\w*b/.test(String(await raw.client("LIST")));

  /** The queue's pending entries, as `[id, consumer, idle, deliveries]`. */
  const pending = async () =>
    (await raw.xpending(key, "workers", "-", "+", 100)) as [string, string, number, number][];

  const consumers = async () =>
    ((await raw.xinfo("CONSUMERS", key, "workers")) as unknown[][]).map(([, name]) => String(name));

  /** The server's ids of the connections with the role `role`. */
  async function connections(role: string, client = raw): Promise<string[]> {
    const list = String(await client.client("LIST"));
    return [...list.matchAll(new RegExp(`^id=(\\d+) .* name=greenroom-${role} `, "gm"))].map(([, id]) =>
      String(id),
    );
  }

  /** Resolves once the first pending claim was renewed `times` times. */
  async function renewed(times: number): Promise<void> {
    let [renewals, last] = [0, 0];
    while (renewals < times) {
      const [entry] = await pending();
      const idleMs = entry?.[2] ?? 0;
      if (idleMs < last) renewals += 1;
      last = idleMs;
    }
  }

  it("keeps an entry until its handler is done, and no longer", async () => {
    const layer = startLayer();
    const worker = new Worker(() => open.opened);
    const consumption = await layer.consume("jobs", worker.handle);
    await send(layer, 1);
    await worker.hasBegun(1);
    expect(await raw.xlen(key)).to.equal(1);
    expect(await pending()).to.have.length(1);
    open.open();
    await consumption.close();
    expect(await raw.xlen(key)).to.equal(0);
    expect(await pending()).to.deep.equal([]);
  });

  it("leaves a long job with its worker by renewing the claim", async () => {
    const [busy, idle] = [new Worker(() => open.opened), new Worker()];
    await startLayer().consume("jobs", busy.handle, { claimAfterMs: 150 });
    await send(startLayer(), 1);
    await busy.hasBegun(1);
    await startLayer().consume("jobs", idle.handle, { claimAfterMs: 150 });
    await renewed(8);
    await send(startLayer(), 2);
    await idle.hasBegun(1);
    expect(idle.attempts).to.deep.equal([[2, 1]]);
    const [first] = await pending();
    expect(first?.[3]).to.equal(1);
    expect(busy.begun[0]?.delivery.signal.aborted).to.equal(false);
  });

  it("renews the claims of jobs that wait for a retry, so that no other worker takes them over", async () => {
    const busy = new Worker(({ message }) => {
      if (message.number !== 3) throw new Error("not yet");
    });
    const options = { claimAfterMs: 150, retryAfterMs: 3_600_000 };
    await startLayer().consume("jobs", busy.handle, options);
    await send(startLayer(), 1);
    await send(startLayer(), 2);
    await busy.hasBegun(2);
    const idle = new Worker();
    await startLayer().consume("jobs", idle.handle, { claimAfterMs: 150 });
    await renewed(8);
    expect((await pending()).map(([, , , deliveries]) => deliveries)).to.deep.equal([1, 1]);
    expect(idle.attempts).to.deep.equal([]);
  });

  it("aborts the signal of a handler whose message another worker has taken over", async () => {
    const layer = startLayer();
    const worker = new Worker(({ delivery: { signal } }) => {
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    const consumption = await layer.consume("jobs", worker.handle, { claimAfterMs: 100, retryAfterMs: 0 });
    await send(layer, 1);
    await worker.hasBegun(1);
    const [id = ""] = (await pending())[0] ?? [];
    await raw.xclaim(key, "workers", "thief", 0, id, "IDLE", 0);
    await worker.until(() => worker.running === 0);
    await consumption.close();
    expect((await pending()).map(([own, consumer, , count]) => [own, consumer, count])).to.deep.equal([
      [id, "thief", 2],
    ]);
    expect(await raw.xlen(key)).to.equal(1);
    expect(worker.attempts).to.deep.equal([[1, 1]]);
  });

  it("recovers entries lost in a broken connection at once, as the same attempt", async () => {
    const layer = startLayer();
    const worker = new Worker();
    await layer.consume("jobs", worker.handle);
    await send(layer, 1);
    await worker.hasBegun(1);
    await worker.until(() => worker.running === 0);
    const reader = (await connections("queue-reader")).at(-1) ?? "";
    const [consumer = ""] = await consumers();
    // In one transaction, disconnects the consumer's reader and delivers an entry to the consumer.
    await raw
      .multi()
      .client("KILL", "ID", reader)
      .xadd(key, "*", "payload", Buffer.from("82a474797065a36a6f62a66e756d62657202", "hex"))
      .xreadgroup("GROUP", "workers", consumer, "STREAMS", key, ">")
      .exec();
    await send(layer, 3);
    await worker.hasBegun(3);
    expect(worker.attempts).to.deep.equal([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
  });

  it("handles jobs that are sent after a FLUSHALL", async () => {
    const server = await startRedisServer();
    servers.push(server);
    const layer = startLayer(server.url);
    const worker = new Worker(() => open.opened);
    await layer.consume("jobs", worker.handle);
    await send(layer, 1);
    await worker.hasBegun(1);
    const other = new Redis(server.url);
    await other.flushall();
    await send(layer, 2);
    open.open();
    await worker.hasBegun(2);
    await worker.until(() => worker.running === 0);
    // No handler is running now, so the read blocks.
    await other.flushall();
    await other.quit();
    await send(layer, 3);
    await worker.hasBegun(3);
    expect(worker.attempts).to.deep.equal([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
  });

  it("keeps the jobs of one node in order while the server forgets its scripts", async () => {
    const layer = startLayer();
    const numbers = Array.from({ length: 400 }, (_, number) => number);
    const sends: Promise<unknown>[] = [];
    for (const number of numbers) {
      // Another sender loads the script again, between two commands of this node.
      if (number % 10 === 0) sends.push(raw.script("FLUSH"), send(startLayer(), -1));
      sends.push(send(layer, number));
      if (number % 3 > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(sends);
    const worker = new Worker();
    await layer.consume("jobs", worker.handle);
    await worker.hasBegun(440);
    expect(worker.numbers.filter((number) => number !== -1)).to.deep.equal(numbers);
  });

  it("continues after the server has forgotten its scripts", async () => {
    const layer = startLayer();
    const worker = new Worker();
    await layer.consume("jobs", worker.handle);
    await raw.script("FLUSH");
    await send(layer, 1);
    await worker.hasBegun(1);
  });

  it("returns the jobs of a read whose reply comes after the limit of closing", async () => {
    const proxy = await startTcpProxy(Number(new URL(redisUrl()).port));
    const clock = new SimulatedClock();
    const worker = new Worker();
    const layer = startLayer(`redis://127.0.0.1:${proxy.port}`, clock);
    const consumption = await layer.consume("jobs", worker.handle, { claimAfterMs: 600_000 });
    await until(isReading);
    const held = proxy.hold();
    await send(startLayer(), 1);
    await until(() => held.kept.includes(key));
    const closing = consumption.close();
    await until(() => held.said.includes("UNBLOCK"));
    clock.increment(1_000);
    await nextTurn();
    held.release();
    await closing;
    const other = new Worker();
    await startLayer().consume("jobs", other.handle);
    await other.hasBegun(1);
    expect(other.attempts).to.deep.equal([[1, 1]]);
    expect(worker.begun).to.have.length(0);
    await layer.close();
    await proxy.close();
  });

  it("removes its consumer when it closes, without waiting for a blocked read", async () => {
    const unblocked: unknown[] = [];
    const create = (options: AnyConnectionOptions) => {
      const redis = new Redis(options);
      const call = redis.client.bind(redis) as (...args: unknown[]) => Promise<unknown>;
      const client = async (...args: unknown[]) => {
        const reply = await call(...args);
        if (args[0] === "UNBLOCK") unblocked.push(reply);
        return reply;
      };
      return Object.assign(redis, { client });
    };
    const server = { ...redisServer({ url: redisUrl() }), create };
    const queues = new RedisQueues(server, (error) => errors.push(error), globalThis);
    const queue = `${prefix}__queue__jobs`;
    let begun = 0;
    const job = async () => {
      begun += 1;
      return "done" as const;
    };
    const receiver = { job, error: (error: Error) => errors.push(error) };
    // A read may end by itself just before the consumption closes. Redis replies 1 if it has ended a read.
    await until(async () => {
      const consumption = await queues.consume(queue, receiver, { concurrency: 1, claimAfterMs: 60_000 });
      begun = 0;
      await queues.enqueue(queue, Buffer.from("x"), 1_000);
      await until(() => begun === 1);
      await until(isReading);
      expect(await consumers()).to.have.length(1);
      await consumption.close();
      await until(async () => (await consumers()).length === 0);
      return unblocked.includes(1);
    });
    await queues.enqueue(queue, Buffer.from("x"), 1_000);
    expect(await raw.xlen(key)).to.equal(1);
    await queues.close();
  });

  it("removes idle consumers that hold no entries, and no others", async () => {
    const layer = startLayer();
    await (await layer.consume("jobs", () => {})).close();
    await send(layer, 1);
    for (const name of ["gone", "own"]) await raw.xgroup("CREATECONSUMER", key, "workers", name);
    await raw.xreadgroup("GROUP", "workers", "holds", "COUNT", 1, "STREAMS", key, ">");
    await runScript(raw, tidyScript, [key], "workers", 60_000, "own");
    expect(await consumers()).to.have.members(["gone", "holds", "own"]);
    await runScript(raw, tidyScript, [key], "workers", 0, "own");
    expect(await consumers()).to.have.members(["holds", "own"]);
    expect(await pending()).to.have.length(1);
  });

  it("leaves an entry with its handler, however long it is idle", async () => {
    const worker = new Worker(() => open.opened);
    const layer = startLayer();
    // One slot is free, so that the source searches for abandoned entries.
    await layer.consume("jobs", worker.handle, { concurrency: 2, claimAfterMs: 100 });
    await send(layer, 1);
    await worker.hasBegun(1);
    const [[id = "", consumer = ""] = []] = await pending();
    for (let times = 0; times < 20; times += 1) {
      await raw.xclaim(key, "workers", consumer, 0, id, "IDLE", 60_000, "JUSTID");
      let idleMs = 60_000;
      while (idleMs >= 60_000) idleMs = (await pending())[0]?.[2] ?? 0;
    }
    await send(layer, 2);
    await worker.hasBegun(2);
    expect(worker.attempts).to.deep.equal([
      [1, 1],
      [2, 1],
    ]);
  });

  it("closes a connection whose reply does not end, and reads over another", async () => {
    const sockets: Socket[] = [];
    let reads = 0;
    const stub = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.on("data", (commands) => {
        for (const [, name] of commands.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
          if (name?.toUpperCase() !== "XREADGROUP") {
            if (name === "ROLE") socket.write("*1\r\n$6\r\nmaster\r\n");
            else socket.write(/EVAL/.test(name ?? "") ? "*0\r\n" : "+OK\r\n");
            continue;
          }
          // The reply never ends. ioredis keeps receiving data, so its socket timeout does not expire.
          socket.write("*1\r\n$1000000\r\n");
          const trickle = setInterval(() => socket.write("x"), 20);
          socket.once("close", () => clearInterval(trickle));
          reads += 1;
        }
      });
    }).listen(0, "127.0.0.1");
    await once(stub, "listening");
    const { port } = stub.address() as AddressInfo;
    const server = redisServer({
      url: `redis://127.0.0.1:${port}`,
      connectTimeoutMs: 60_000,
      redis: { protocol: 2 },
    });
    const failures: Error[] = [];
    const clock = new SimulatedClock();
    const queues = new RedisQueues(server, (error) => failures.push(error), clock);
    const receiver = { job: async () => "done" as const, error: (error: Error) => failures.push(error) };
    await queues.consume("q", receiver, { concurrency: 1, claimAfterMs: 1_000 });
    await until(() => reads === 1);
    // More than a read's block and `connectTimeoutMs` together.
    clock.increment(63_000);
    await until(() => reads === 2);
    let isClosed = false;
    const closing = queues.close().finally(() => {
      isClosed = true;
    });
    await until(() => {
      clock.increment(1_000);
      return isClosed;
    });
    await closing;
    for (const socket of sockets) socket.destroy();
    stub.close();
    expect(failures.join()).to.include("queue-reader");
  });

  it("names the purpose of each connection in CLIENT LIST, and opens none before it is needed", async () => {
    const server = await startRedisServer();
    servers.push(server);
    const client = new Redis(server.url);
    const layer = startLayer(server.url);
    await layer.ready();
    expect(await connections("queues", client)).to.deep.equal([]);
    await send(layer, 1);
    expect(await connections("queues", client)).to.have.length(1);
    expect(await connections("queue-reader", client)).to.deep.equal([]);
    const consumptions = [await layer.consume("jobs", () => {}), await layer.consume("jobs", () => {})];
    expect(await connections("queue-reader", client)).to.have.length(2);
    expect(await connections("queues", client)).to.have.length(1);
    await Promise.all(consumptions.map((consumption) => consumption.close()));
    expect(await connections("queue-reader", client)).to.deep.equal([]);
    await client.quit();
  });

  it("leaves nothing open after `close`, so that the process exits", async () => {
    const script = `
      import { queueLayer } from ${JSON.stringify(new URL("../support/queue-layer.ts", import.meta.url))};
      const layer = queueLayer({ url: ${JSON.stringify(redisUrl())}, prefix: ${JSON.stringify(prefix)} });
      const begun = new Promise((resolve) => layer.consume("jobs", resolve));
      await layer.send("jobs", { type: "x" });
      await begun;
      const busy = process.getActiveResourcesInfo();
      await layer.close();
      const own = ["PipeWrap", "Immediate"];
      const open = () => process.getActiveResourcesInfo().filter((name) => !own.includes(name));
      while (open().includes("TCPSocketWrap") && performance.now() < 30_000) await new Promise(setImmediate);
      const sockets = busy.filter((name) => name === "TCPSocketWrap").length;
      console.log(JSON.stringify({ sockets, idle: open() }));
    `;
    const { stdout } = await run(process.execPath, ["--import=tsx", "--input-type=module", "--eval", script]);
    expect(JSON.parse(stdout)).to.deep.equal({ sockets: 4, idle: [] });
  });
});
