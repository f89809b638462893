import { expect } from "chai";
import type { ChannelLayer } from "../../../../layers/channel-layer.ts";
import { LayerUnavailableError } from "../../../../layers/errors.ts";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../../../layers/redis/index.ts";
import { Recorder } from "../../../../layers/testing/index.ts";
import { type RedisClusterServers, startRedisCluster } from "../../../support/redis-cluster.ts";
import { startTcpProxy, type TcpProxy } from "../../../support/tcp-proxy.ts";
import { until } from "../../support/until.ts";

const prefix = "connections";
const groups = Array.from({ length: 12 }, (_, index) => `room-${index}`);

describe("the connections of a layer over a Redis Cluster", () => {
  let servers: RedisClusterServers;
  let proxies: TcpProxy[];
  let layer: ChannelLayer;
  before(async function () {
    this.timeout(60_000);
    servers = await startRedisCluster();
  });
  after(() => servers.stop());
  beforeEach(async () => {
    proxies = await Promise.all(servers.masters.map(({ port }) => startTcpProxy(port)));
  });
  afterEach(async () => {
    await layer.close();
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });

  /** Sends one message to each of twelve groups, which are on all shards. */
  async function expectTraffic(): Promise<void> {
    const inbox = new Recorder();
    const channel = await layer.newChannel(inbox);
    for (const group of groups) {
      await layer.groupAdd(group, channel);
      await layer.groupSend(group, { type: group });
      await inbox.next(group);
    }
  }

  const cluster = () => [{ host: "127.0.0.1", port: proxies[0]?.port ?? 0 }];
  const outside = () =>
    Object.fromEntries(
      servers.masters.map(({ host, port }, index) => [
        `${host}:${port}`,
        { host, port: proxies[index]?.port ?? 0 },
      ]),
    );

  /** The number of the layers' connections that did not come through a proxy, on all masters. */
  async function direct(): Promise<number> {
    const lists = await Promise.all(servers.clients.slice(0, 3).map((client) => client.client("LIST")));
    const ours = lists.join("\n").match(/ name=greenroom-/g)?.length ?? 0;
    return ours - proxies.reduce((sum, { open }) => sum + open, 0);
  }

  for (const Layer of [RedisPubSubLayer, RedisStreamsLayer]) {
    for (const how of ["an object", "a function"]) {
      it(`go to the addresses of ${how} \`natMap\`, with a ${Layer.name}`, async () => {
        const map = outside();
        const asked = new Set<string>();
        const translate = (key: string) => {
          asked.add(key);
          return map[key] ?? null;
        };
        layer = new Layer({
          cluster: cluster(),
          prefix,
          redis: { natMap: how === "an object" ? map : translate },
        });
        await expectTraffic();
        // The connection that asked for the topology may still be closing.
        await until(() => proxies.every(({ open }) => open === 2));
        await until(async () => (await direct()) === 0);
        if (how === "a function") expect([...asked]).to.have.members(Object.keys(map));
      });
    }
  }

  it("go to the address that the cluster announces if `natMap` lacks it", async () => {
    layer = new RedisPubSubLayer({ cluster: cluster(), prefix, redis: { natMap: () => null } });
    await expectTraffic();
    await until(async () => (await direct()) === 6);
  });

  it("reports a `natMap` that throws", async () => {
    const natMap = () => {
      throw new Error("no such network");
    };
    layer = new RedisPubSubLayer({ cluster: cluster(), prefix, redis: { natMap } });
    const error = await layer.ready().catch((reason: Error) => reason);
    expect(error).to.be.instanceOf(LayerUnavailableError);
    expect(error).to.have.property("message").that.includes("no such network");
  });

  it("ask `credentials` each time, also to ask for the topology", async () => {
    let token = "token-1";
    let asked = 0;
    const admins = servers.clients.slice(0, 3);
    const permit = () =>
      Promise.all(
        admins.map((client) =>
          client.call("ACL", "SETUSER", "app", "resetpass", `>${token}`, "on", "~*", "&*", "+@all"),
        ),
      );
    await permit();
    const credentials = () => {
      asked += 1;
      return { username: "app", password: token };
    };
    layer = new RedisStreamsLayer({ cluster: cluster(), prefix, credentials, onError() {} });
    await expectTraffic();
    // Each of the 6 connections, and the connection that asks for the topology once or more.
    expect(asked).to.be.greaterThan(6);
    const before = asked;
    token = "token-2";
    await permit();
    await Promise.all(admins.map((client) => client.call("CLIENT", "KILL", "USER", "app")));
    await until(() => asked >= before + 7 && layer.health.ok);
    const inbox = new Recorder();
    const channel = await layer.newChannel(inbox);
    await layer.groupAdd("room-0", channel);
    await layer.groupSend("room-0", { type: "again" });
    await inbox.next("again");
  });

  it("can be closed while `credentials` does not settle", async () => {
    const credentials = () => new Promise<never>(() => {});
    layer = new RedisPubSubLayer({ cluster: cluster(), prefix, credentials, connectTimeoutMs: 60_000 });
    const opening = layer.ready().catch((error: Error) => error);
    await layer.close();
    expect(await opening).to.have.property("code", "ERR_LAYER_CLOSED");
  });

  it("fail once, and not once for each configured node, if `credentials` fails", async () => {
    let asked = 0;
    const credentials = () => {
      asked += 1;
      return Promise.reject(new Error("vault sealed"));
    };
    const nodes = servers.masters.map(({ host, port }) => ({ host, port }));
    layer = new RedisPubSubLayer({ cluster: nodes, prefix, credentials });
    const error = await layer.ready().catch((reason: Error) => reason);
    expect(error).to.be.instanceOf(LayerUnavailableError);
    expect(error).to.have.property("message").that.includes("credentials() failed: vault sealed");
    expect(asked).to.equal(1);
  });
});
