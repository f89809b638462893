import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Redis } from "ioredis";
import { RedisStreamsLayer, type RedisStreamsLayerOptions } from "../../layers/redis/index.ts";
import { until } from "../layers/support/until.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";
import { type Direction, startTcpProxy } from "../support/tcp-proxy.ts";
import { open, settle, Traffic } from "./support/account.ts";
import { startGateway } from "./support/gateway.ts";
import { publishFor } from "./support/heap.ts";

describe("RedisStreamsLayer under faults", () => {
  let server: RedisServer;
  let raw: Redis;
  let layers: RedisStreamsLayer[];
  let ways: { close(): Promise<void> }[];
  beforeEach(async () => {
    server = await startRedisServer();
    raw = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
    raw.on("error", () => {});
    layers = [];
    ways = [];
  });
  afterEach(async () => {
    await Promise.all(layers.map((layer) => layer.close()));
    await Promise.all(ways.map((way) => way.close()));
    raw.disconnect();
    await server.kill();
  });

  function startLayer(options: Partial<RedisStreamsLayerOptions> = {}): RedisStreamsLayer {
    const layer = new RedisStreamsLayer({
      url: server.url,
      prefix: "chat",
      capacity: 100_000,
      onError() {},
      ...options,
    });
    layers.push(layer);
    return layer;
  }

  /** Two members on two nodes, and a third node that sends to them. */
  async function start(options: Partial<RedisStreamsLayerOptions> = {}) {
    const members = await Promise.all([1, 2].map(() => open(startLayer(options), "room")));
    const sender = startLayer(options);
    const traffic = new Traffic(sender, "room");
    await traffic.more(50);
    return { members, sender, traffic };
  }

  const key = (part: string) => `{chat__group__room}:${part}`;

  async function clients(): Promise<{ id: string; name: string }[]> {
    const lines = String(await raw.client("LIST")).split("\n");
    return lines.flatMap((line) => {
      const [, id, name] = /^id=(\d+).* name=(greenroom-\S+)/.exec(line) ?? [];
      return id === undefined || name === undefined ? [] : [{ id, name }];
    });
  }

  it("reports one gap after kill -9 and an empty restart, and delivers all later messages", async () => {
    const { members, traffic } = await start();
    await server.kill();
    server = await startRedisServer({ port: server.port });
    await traffic.more(50);
    await settle(members, traffic);
    for (const { gaps } of members) expect(gaps).to.deep.equal([{ group: "room" }]);
  });

  it("delivers all messages late when the server is frozen for 5 s", async () => {
    const { members, traffic } = await start({ connectTimeoutMs: 20_000 });
    await server.pause();
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    await server.resume();
    await traffic.more(50);
    await settle(members, traffic);
    for (const { gaps } of members) expect(gaps).to.deep.equal([]);
  });

  it("delivers all messages late when the server is frozen for longer than the deadline", async () => {
    const { members, traffic } = await start({ connectTimeoutMs: 1_000 });
    await server.pause();
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await server.resume();
    await traffic.more(50);
    await settle(members, traffic);
    for (const { gaps } of members) expect(gaps).to.deep.equal([]);
  });

  it("delivers all messages when CLIENT KILL ends each connection repeatedly", async () => {
    const { members, traffic } = await start();
    for (let round = 0; round < 5; round += 1) {
      for (const { id } of await clients()) {
        await raw.call("CLIENT", "KILL", "ID", id);
        await traffic.more(5);
      }
    }
    await settle(members, traffic);
    for (const { gaps } of members) expect(gaps).to.deep.equal([]);
  });

  it("delivers all messages when CLIENT KILL strikes twice while 1,000 groups resubscribe", async () => {
    const groups = Array.from({ length: 1_000 }, (_, index) => `room-${index}`);
    const node = startLayer();
    const members = await Promise.all(groups.map((group) => open(node, group)));
    const traffic = new Traffic(startLayer(), ...groups);
    await traffic.more(3);
    for (let cuts = 0; cuts < 3; cuts += 1) {
      // Each cut follows as soon as the node has reconnected.
      let subscriber: { id: string } | undefined;
      while (subscriber === undefined) {
        subscriber = (await clients()).find(({ name }) => name === "greenroom-subscriber");
      }
      // Also cuts the sender's subscriber connection, which has no topics.
      for (const { id, name } of await clients()) {
        if (name === "greenroom-subscriber") await raw.call("CLIENT", "KILL", "ID", id);
      }
    }
    await traffic.more(3);
    await settle(members, traffic);
    for (const { gaps } of members) expect(gaps).to.deep.equal([]);
  });

  it("reports the missing offsets to a node that was cut off for longer than the history", async () => {
    const gateway = await startGateway(server);
    ways.push(gateway);
    const node = startLayer({ url: gateway.url, capacity: 100 });
    const member = await open(node, "room");
    const sender = startLayer({ capacity: 100 });
    const send = (number: number) => sender.groupSend("room", { type: "message", number });
    for (let number = 1; number <= 10; number += 1) await send(number);
    await member.until(() => member.numbers.length === 10);
    gateway.shut();
    await until(() => !node.health.ok);
    for (let number = 11; number <= 160; number += 1) await send(number);
    gateway.open();
    await member.until(() => member.numbers.includes(160));
    await send(161);
    await member.until(() => member.numbers.includes(161));
    member.check(Array.from({ length: 161 }, (_, index) => index + 1));
    expect(member.gaps).to.deep.equal([{ group: "room", from: 11, to: 60 }]);
    expect(member.numbers.length).to.equal(111);
  });

  it("reports a gap when the server is restored, even if no member received the lost messages", async () => {
    const folder = await mkdtemp(join(tmpdir(), "greenroom-restored-"));
    const stored = await startRedisServer({ args: ["--dir", folder] });
    const gateway = await startGateway(stored);
    const node = startLayer({ url: gateway.url });
    const member = await open(node, "room");
    const sender = startLayer({ url: stored.url });
    const send = async (from: number, to: number) => {
      for (let number = from; number <= to; number += 1) {
        await sender.groupSend("room", { type: "message", number });
      }
    };
    await send(1, 10);
    await member.until(() => member.numbers.includes(10));
    const keeper = new Redis(stored.url);
    await keeper.save();
    keeper.disconnect();
    gateway.shut();
    await until(() => !node.health.ok);
    await send(11, 15);
    await stored.kill();
    const restored = await startRedisServer({ port: stored.port, args: ["--dir", folder] });
    await until(() => sender.health.ok);
    gateway.open();
    await send(16, 16);
    await member.until(() => member.numbers.includes(16));
    member.check(Array.from({ length: 16 }, (_, index) => index + 1));
    expect(member.gaps).to.deep.equal([{ group: "room" }]);
    await Promise.all([node.close(), sender.close()]);
    await gateway.close();
    await restored.kill();
    await rm(folder, { recursive: true });
  });

  for (const part of ["stream", "head"]) {
    it(`loses nothing silently when DEL removes the ${part}`, async () => {
      const { members, traffic } = await start();
      for (let round = 0; round < 5; round += 1) {
        await raw.del(key(part));
        await traffic.more(20);
      }
      await settle(members, traffic);
      const count = part === "head" ? 5 : 0;
      for (const { gaps } of members) expect(gaps).to.have.length(count);
    });
  }

  it("reports one gap for each FLUSHALL in traffic", async () => {
    const { members, traffic } = await start();
    for (let round = 0; round < 5; round += 1) {
      await raw.flushall();
      await traffic.more(20);
    }
    await settle(members, traffic);
    for (const { gaps } of members) {
      expect(gaps).to.deep.equal(Array.from({ length: 5 }, () => ({ group: "room" })));
    }
  });

  it("reports one gap for a FLUSHALL without traffic, found by the stream's head", async () => {
    const member = await open(startLayer({ tailCheckMs: 50 }), "room");
    const sender = startLayer();
    await sender.groupSend("room", { type: "message", number: 1 });
    await member.until(() => member.numbers.length === 1);
    await raw.flushall();
    await member.until(() => member.gaps.length > 0);
    await sender.groupSend("room", { type: "message", number: 2 });
    await member.until(() => member.numbers.length === 2);
    expect(member.gaps).to.deep.equal([{ group: "room" }]);
  });

  it("delivers all messages when the server disconnects a slow subscriber", async () => {
    await raw.config("SET", "client-output-buffer-limit", "pubsub 65536 0 0");
    const { members, sender, traffic } = await start();
    const before = (await clients()).map(({ id }) => id);
    const large = await Promise.all(layers.slice(0, 2).map((layer) => open(layer, "large")));
    await sender.groupSend("large", { type: "message", number: 1, padding: new Uint8Array(200_000) });
    await until(async () => {
      const now = await clients();
      const isNew = ({ id, name }: { id: string; name: string }) =>
        name === "greenroom-subscriber" && !before.includes(id);
      return now.filter(isNew).length === members.length;
    });
    await traffic.more(50);
    await settle(members, traffic);
    for (const { numbers } of large) expect(numbers).to.deep.equal([1]);
    for (const { gaps } of [...members, ...large]) expect(gaps).to.deep.equal([]);
  });

  const paths: Record<string, { directions: Direction[]; only?: string }> = {
    "all that it sends": { directions: ["up"] },
    "all that it receives": { directions: ["down"] },
    "both directions": { directions: ["up", "down"] },
    "all that its subscriber receives": { directions: ["down"], only: "greenroom-subscriber" },
  };
  for (const [what, { directions, only }] of Object.entries(paths)) {
    it(`delivers all messages late when the network swallows ${what}`, async () => {
      const proxy = await startTcpProxy(server.port);
      ways.push(proxy);
      const times = { probeMs: 200, connectTimeoutMs: 1_000 };
      const node = startLayer({ url: `redis://127.0.0.1:${proxy.port}`, ...times });
      const member = await open(node, "room");
      const traffic = new Traffic(startLayer(), "room");
      await traffic.more(50);
      proxy.swallow(directions, only);
      await until(() => !node.health.ok);
      proxy.heal();
      await until(() => node.health.ok);
      await traffic.more(50);
      await settle([member], traffic);
      expect(member.gaps).to.deep.equal([]);
    });
  }

  it("keeps the heap bounded through an outage of 30 s with publishers, and replays nothing", async () => {
    const [sender, receiver] = [startLayer(), startLayer()];
    const member = await open(receiver, "room");
    await sender.ready();
    await server.kill();
    await Promise.all(layers.map((layer) => until(() => !layer.health.ok)));
    const { sent, refused, grown } = await publishFor(30_000, (number) =>
      sender.groupSend("room", { type: "message", number, padding: new Uint8Array(1_000) }),
    );
    expect(sent).to.be.greaterThan(50_000);
    expect(refused).to.equal(sent);
    expect(grown).to.be.lessThan(8 * 1024 * 1024);
    server = await startRedisServer({ port: server.port });
    await until(() => layers.every(({ health }) => health.ok));
    await sender.groupSend("room", { type: "message", number: sent + 1 });
    await member.until(() => member.numbers.length > 0);
    expect(member.numbers).to.deep.equal([sent + 1]);
    expect(member.gaps).to.deep.equal([{ group: "room" }]);
  });

  it("reports a gap for a failover with a rollback, and delivers all later messages", async () => {
    const { members, sender, traffic } = await start();
    const last = await traffic.stop();
    for (const member of members) await member.until(() => member.numbers.includes(last));
    // The state of a replica that lacks the last five entries.
    const entries = await raw.xrangeBuffer(key("stream"), "-", "+");
    const kept = entries.slice(0, -5);
    const epoch = String(await raw.get(key("head"))).split(" ")[1];
    const rewrite = raw.multi().del(key("stream"));
    for (const [id, fields] of kept) rewrite.xadd(key("stream"), id, ...fields);
    rewrite.set(key("head"), `${kept.at(-1)?.[0].toString()} ${epoch}`);
    await rewrite.exec();
    for (let number = last + 1; number <= last + 10; number += 1) {
      await sender.groupSend("room", { type: "message", number });
    }
    for (const member of members) {
      await member.until(() => member.numbers.includes(last + 10));
      expect(member.numbers.slice(-11)).to.deep.equal(Array.from({ length: 11 }, (_, index) => last + index));
      expect(member.gaps).to.deep.equal([{ group: "room" }]);
      expect(new Set(member.numbers).size).to.equal(member.numbers.length);
    }
  });
});
