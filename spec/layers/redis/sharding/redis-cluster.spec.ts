import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect } from "chai";
import type { Redis } from "ioredis";
import { LayerUnavailableError } from "../../../../layers/errors.ts";
import { shardedPubSub } from "../../../../layers/redis/connection/pubsub-commands.ts";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../../../layers/redis/index.ts";
import { keySlot } from "../../../../layers/redis/sharding/key-slot.ts";
import { Recorder } from "../../../../layers/testing/index.ts";
import { freePort } from "../../../support/free-port.ts";
import { type RedisClusterServers, startRedisCluster } from "../../../support/redis-cluster.ts";
import { describeRedisLayers } from "../support/describe-redis-layers.ts";

describe("a layer over a Redis Cluster", () => {
  let servers: RedisClusterServers;
  before(async function () {
    this.timeout(60_000);
    servers = await startRedisCluster();
  });
  after(() => servers.stop());

  const seed = () => servers.masters.slice(1, 2);

  describeRedisLayers({
    target: () => ({ cluster: seed() }),
    clients: () => servers.clients,
    clientOf: (key) => servers.clients[servers.masterOf(keySlot(key))] as Redis,
    commands: shardedPubSub,
  });

  it("computes slots as the servers do", async () => {
    for (const topic of ["", "123456789", "chat__group__room", "{a}b", "a{b}c{d}", "{}x", "{x", "x}{y}"]) {
      expect(keySlot(topic), topic).to.equal(await servers.clients[0]?.call("CLUSTER", "KEYSLOT", topic));
    }
  });

  it("keeps each group on the shard of its slot, and spreads groups over all shards", async () => {
    const layer = new RedisPubSubLayer({ cluster: seed(), prefix: "cluster" });
    const channel = await layer.newChannel(new Recorder());
    const groups = Array.from({ length: 30 }, (_, index) => `room-${index}`);
    await Promise.all(groups.map((group) => layer.groupAdd(group, channel)));
    const found = await Promise.all(
      servers.clients
        .slice(0, 3)
        .map((client) => client.call("PUBSUB", "SHARDCHANNELS", "cluster__group__*")),
    );
    for (const topics of found) expect(topics).not.to.deep.equal([]);
    const topics = groups.map((group) => `cluster__group__${group}`);
    expect(found.flat().sort()).to.deep.equal(topics.sort());
    await layer.close();
  });

  for (const Layer of [RedisPubSubLayer, RedisStreamsLayer]) {
    for (const prefix of ["{cluster}", "clu}ster", "}cluster", "{}cluster", "{"]) {
      it(`supports a ${Layer.name} with braces in its prefix: ${prefix}`, async () => {
        const layer = new Layer({ cluster: seed(), prefix });
        const inbox = new Recorder();
        await layer.groupAdd("room", await layer.newChannel(inbox));
        await layer.groupSend("room", { type: "x" });
        await inbox.next("x");
        expect((await layer.secret())?.length).to.equal(layer.capabilities.history ? 32 : undefined);
        await layer.close();
      });
    }
  }

  it("has the connections to each master that docs/guides/plan-redis-capacity.md counts", async () => {
    const layer = new RedisStreamsLayer({ cluster: seed(), prefix: "counted" });
    const count = async () => {
      const lists = await Promise.all(servers.clients.map((client) => client.client("LIST")));
      return lists.map((list) => String(list).match(/ name=greenroom-(?!topology)/g)?.length ?? 0);
    };
    await layer.ready();
    expect(await count()).to.deep.equal([2, 2, 2, 0]);
    await Promise.all([layer.consume("jobs", () => {}), layer.consume("jobs", () => {})]);
    const holder = servers.masterOf(keySlot("counted__queue__jobs"));
    const expected = [2, 2, 2, 0];
    expected[holder] = 6;
    expect(await count()).to.deep.equal(expected);
    await layer.close();
  });

  it("reads the heads of a thousand streams with one command each", async () => {
    const calls = async () => {
      const stats = await Promise.all(
        servers.clients.slice(0, 3).map((client) => client.info("commandstats")),
      );
      return stats.map((text) => Number(/cmdstat_evalsha:calls=(\d+)/.exec(text)?.[1] ?? 0));
    };
    const before = await calls();
    const layer = new RedisStreamsLayer({ cluster: seed(), prefix: "cluster" });
    const channel = await layer.newChannel(new Recorder());
    const groups = Array.from({ length: 1_000 }, (_, index) => `room-${index}`);
    await Promise.all(groups.map((group) => layer.groupAdd(group, channel)));
    await layer.close();
    const asked = (await calls()).map((count, index) => count - (before[index] ?? 0));
    for (const count of asked) expect(count).to.be.greaterThan(300);
  });

  it("reports layers of two kinds under one prefix once, whichever shard has their markers", async () => {
    const prefixes = ["one", "{tag}", "{", "x}y"];
    for (const prefix of prefixes) {
      const reports: string[] = [];
      const onError = (error: unknown) => reports.push((error as Error).message);
      const pubSub = new RedisPubSubLayer({ cluster: seed(), prefix, onError });
      const streams = new RedisStreamsLayer({ cluster: seed(), prefix, onError });
      await pubSub.ready();
      await streams.ready();
      await Promise.all([pubSub.close(), streams.close()]);
      expect(reports, prefix).to.have.length(1);
      expect(reports[0]).to.include(`the prefix "${prefix}"`);
    }
  });

  it("names the configured nodes if none replies", async () => {
    const port = await freePort();
    const layer = new RedisPubSubLayer({ cluster: [{ host: "127.0.0.1", port }], prefix: "cluster" });
    const error = await layer.ready().catch((reason: Error) => reason);
    expect(error)
      .to.be.instanceOf(LayerUnavailableError)
      .with.property("message")
      .that.includes(`127.0.0.1:${port}`);
    await layer.close();
  });

  it("can be closed while a configured node does not reply", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const cluster = [{ host: "127.0.0.1", port }];
    const layer = new RedisPubSubLayer({ cluster, prefix: "cluster", connectTimeoutMs: 60_000 });
    const opening = layer.ready().catch((error: Error) => error);
    const [socket] = (await once(silent, "connection")) as [Socket];
    await layer.close();
    expect(await opening).to.have.property("code", "ERR_LAYER_CLOSED");
    if (!socket.closed) await once(socket.resume(), "close");
    silent.close();
    await once(silent, "close");
  });

  for (const Layer of [RedisPubSubLayer, RedisStreamsLayer]) {
    it(`requires of a ${Layer.name} nodes with an address, and no other target`, () => {
      const start = (options: object) => () =>
        new Layer({ prefix: "cluster", ...options } as { url: string; prefix: string });
      const nodes = [
        { host: "one" },
        { host: "one", port: 65_536 },
        { host: "", port: 1 },
        { port: 1 },
        null,
      ];
      for (const cluster of [[], "redis://one:6379", ["redis://one:6379"], ...nodes.map((node) => [node])]) {
        expect(start({ cluster })).to.throw(TypeError, "`cluster` must look like");
      }
      expect(start({ cluster: seed(), url: "redis://x" })).to.throw(TypeError, "given: url, cluster");
      expect(start({ cluster: seed(), hosts: ["redis://x"] })).to.throw(TypeError, "given: hosts, cluster");
    });
  }
});
