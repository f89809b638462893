import { expect } from "chai";
import { Redis } from "ioredis";
import { pubSub } from "../../../../layers/redis/connection/pubsub-commands.ts";
import {
  type ByHosts,
  type PubSubOptions,
  RedisPubSubLayer,
  RedisStreamsLayer,
} from "../../../../layers/redis/index.ts";
import { rendezvous } from "../../../../layers/rendezvous.ts";
import { Recorder, Worker } from "../../../../layers/testing/index.ts";
import { freePort } from "../../../support/free-port.ts";
import { type RedisServer, startRedisServer } from "../../../support/redis.ts";
import { until } from "../../support/until.ts";
import { describeRedisLayers } from "../support/describe-redis-layers.ts";

describe("a layer over two hosts", () => {
  let servers: RedisServer[];
  let clients: Redis[];
  before(async () => {
    servers = [await startRedisServer(), await startRedisServer()];
    clients = servers.map(({ url }) => new Redis(url));
  });
  after(async () => {
    for (const client of clients) client.disconnect();
    await Promise.all(servers.map((server) => server.stop()));
  });

  const hosts = () => servers.map(({ url }) => url);
  const addresses = () => servers.map(({ host, port }) => `${host}:${port}`);
  const hostOf = (topic: string) => addresses().indexOf(rendezvous(addresses())(topic));

  describeRedisLayers({
    target: () => ({ hosts: hosts() }),
    clients: () => clients,
    clientOf: (key) => clients[hostOf(key)] as Redis,
    commands: pubSub,
  });

  /** Returns one group per host. */
  function groupsOfEach(): string[] {
    const names = Array.from({ length: 100 }, (_, index) => `room-${index}`);
    return servers.map((_, index) => {
      const group = names.find((name) => hostOf(`hosts__group__${name}`) === index);
      return group ?? expect.fail("One host has no group.");
    });
  }

  const startLayer = (options: Partial<ByHosts & PubSubOptions> = {}) =>
    new RedisPubSubLayer({ hosts: hosts(), prefix: "hosts", onError() {}, ...options });

  it("keeps each group on one host", async () => {
    const layer = startLayer();
    const channel = await layer.newChannel(new Recorder());
    const groups = groupsOfEach();
    for (const group of groups) await layer.groupAdd(group, channel);
    for (const [index, client] of clients.entries()) {
      expect(await client.pubsub("CHANNELS", "hosts__group__*")).to.deep.equal([
        `hosts__group__${groups[index]}`,
      ]);
    }
    await layer.close();
  });

  it("affects only the groups of a host that is down", async () => {
    const layer = startLayer({ commandQueue: { capacity: 0 } });
    const inbox = new Recorder();
    const channel = await layer.newChannel(inbox);
    const [lost = "", kept = ""] = groupsOfEach();
    for (const group of [lost, kept]) await layer.groupAdd(group, channel);
    await servers[0]?.kill();
    await until(() => !layer.health.ok);
    expect(layer.health.reason).to.include(addresses()[0]);
    const failure = await layer.groupSend(lost, { type: "x" }).catch((error: Error) => error);
    expect(failure).to.have.property("code", "ERR_LAYER_UNAVAILABLE");
    await layer.groupSend(kept, { type: "kept" });
    await inbox.next("kept");
    servers[0] = await startRedisServer({ port: servers[0]?.port ?? 0 });
    await inbox.until(() => inbox.gaps.some(({ group }) => group === lost));
    await until(() => layer.health.ok);
    for (const group of [lost, kept]) await layer.groupSend(group, { type: `end of ${group}` });
    for (const group of [lost, kept]) await inbox.next(`end of ${group}`);
    // If the node's own topic is on the lost host, there is a second gap, without a group.
    expect(inbox.gaps.filter(({ group }) => group !== undefined)).to.deep.equal([{ group: lost }]);
    expect(inbox.gaps.length).to.equal(hostOf(`hosts__node__${layer.node}`) === 0 ? 2 : 1);
    await layer.close();
  });

  it("opens if all hosts reply, and names a host that does not", async () => {
    const layer = startLayer({
      hosts: [...hosts(), "redis://:hunter2@127.0.0.1:1"],
    });
    const error = await layer.ready().catch((reason: Error) => reason);
    expect(error).to.have.property("code", "ERR_LAYER_UNAVAILABLE");
    expect(error).to.have.property("message").that.includes("127.0.0.1:1 ").and.not.includes("hunter2");
    // Waits until the connections to the other hosts are closed.
    const isConnected = async () =>
      (await Promise.all(clients.map((client) => client.client("LIST")))).join().includes("name=greenroom");
    while (await isConnected());
    await layer.close();
  });

  it("opens at the next call, including queues, if the missing host is up by then", async () => {
    const port = await freePort();
    const [known = ""] = hosts();
    const layer = new RedisStreamsLayer({ hosts: [known, `redis://127.0.0.1:${port}`], prefix: "later" });
    expect(await layer.ready().catch((error: Error) => error)).to.have.property(
      "code",
      "ERR_LAYER_UNAVAILABLE",
    );
    const server = await startRedisServer({ port });
    await layer.ready();
    const queues = Array.from({ length: 10 }, (_, index) => `jobs-${index}`);
    const worker = new Worker();
    for (const queue of queues) {
      await layer.consume(queue, worker.handle);
      await layer.send(queue, { type: "job" });
    }
    await worker.hasBegun(queues.length);
    await layer.close();
    await server.stop();
  });

  for (const Layer of [RedisPubSubLayer, RedisStreamsLayer]) {
    it(`requires of a ${Layer.name} at least one host, each once, and no other target`, () => {
      const start = (options: object) => () =>
        new Layer({ prefix: "hosts", ...options } as { url: string; prefix: string });
      expect(start({ hosts: [] })).to.throw(TypeError, "`hosts` must look like");
      expect(start({ hosts: hosts(), url: "redis://localhost" })).to.throw(TypeError, "given: url, hosts");
      expect(start({ hosts: ["redis://one", "redis://:secret@one:6379"] })).to.throw(
        TypeError,
        "names one:6379 twice",
      );
    });
  }
});
