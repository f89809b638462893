import { expect } from "chai";
import { type ChannelLayer, createRuntime, handlers, type PresenceDiff, WebSocketConsumer } from "greenroom";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../layers/redis/index.ts";
import { until } from "../layers/support/until.ts";
import { opened, query, stopCluster } from "../runtime/support/cluster.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";
import { type RedisSentinels, startRedisSentinels } from "../support/redis-sentinel.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const nodeHeartbeatMs = 500;
const times = { prefix: "chat", probeMs: 200, connectTimeoutMs: 1_000, onError() {} };
/** The diffs of each member, by key. */
const told = new Map<string, string[]>();

class Guest extends WebSocketConsumer<{ messages: { presence_diff: PresenceDiff } }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Guest>({
    presence_diff({ joins, leaves, changes }) {
      const texts = told.get(this.#key);
      for (const { key } of joins) texts?.push(`+${key}`);
      for (const { key } of leaves) texts?.push(`-${key}`);
      for (const { key } of changes) texts?.push(`~${key}`);
    },
  });
  override connect() {
    told.set(this.#key, []);
    this.track("lobby", {}, { key: this.#key });
  }
  get #key() {
    return this.scope.query.get("key") ?? "";
  }
}

/** Starts a node for each layer, with one member each. */
async function startNodes(layers: readonly ChannelLayer[]) {
  const runtimes = layers.map((chat) =>
    opened(createRuntime({ layers: { chat }, nodeHeartbeatMs, onError() {} })),
  );
  await Promise.all(runtimes.map((runtime) => runtime.ready()));
  await until(() => runtimes.every(({ nodes }) => nodes.length === layers.length));
  for (const [index, runtime] of runtimes.entries()) {
    await runtime.spawn(Guest, query(`key=guest${index}`));
    await until(() => runtimes.every((other) => other.presenceCount("lobby") === index + 1));
    await until(() => [...told.values()].every((texts) => texts.includes(`+guest${index}`)));
  }
  for (const texts of told.values()) texts.length = 0;
  return runtimes;
}

/** Waits for `count` heartbeats of `runtime`. An outage delays them. */
async function heartbeats(layer: ChannelLayer, count: number): Promise<void> {
  const { published } = layer.counters();
  await until(() => layer.counters().published >= published + count);
}

describe("Presence under faults", () => {
  let layers: ChannelLayer[] = [];
  beforeEach(() => told.clear());
  afterEach(stopCluster);

  /** Waits until all nodes are well again, and each of them would have removed a silent node. */
  async function expectNothingTold(runtimes: Awaited<ReturnType<typeof startNodes>>) {
    await until(() => layers.every(({ health }) => health.ok));
    await Promise.all(layers.map((layer) => heartbeats(layer, 8)));
    for (const runtime of runtimes) {
      expect(runtime.nodes).to.have.length(layers.length);
      expect(runtime.presenceCount("lobby")).to.equal(layers.length);
    }
    expect([...told.values()].flat()).to.deep.equal([]);
  }

  describe("of one server", () => {
    let server: RedisServer;
    let proxy: TcpProxy;
    beforeEach(async () => {
      server = await startRedisServer();
      proxy = await startTcpProxy(server.port);
    });
    afterEach(async () => {
      await stopCluster();
      await proxy.close();
      await server.kill();
    });

    for (const Layer of [RedisPubSubLayer, RedisStreamsLayer]) {
      const start = (...urls: string[]) => {
        layers = urls.map((url) => new Layer({ url, ...times }));
        return startNodes(layers);
      };

      it(`does not change if the server is away for longer than a lease, over ${Layer.name}`, async () => {
        const runtimes = await start(server.url, server.url);
        await server.kill();
        await until(() => layers.every(({ health }) => !health.ok));
        // No event shows how long the outage has lasted.
        await new Promise((resolve) => setTimeout(resolve, 5 * nodeHeartbeatMs));
        expect(runtimes.map(({ nodes }) => nodes.length)).to.deep.equal([2, 2]);
        server = await startRedisServer({ port: server.port });
        await expectNothingTold(runtimes);
      });

      it(`changes only for the others if one node is cut off, over ${Layer.name}`, async () => {
        const [one, two] = await start(`redis://127.0.0.1:${proxy.port}`, server.url);
        proxy.swallow(["up", "down"]);
        await until(() => told.get("guest1")?.length === 1);
        expect(two?.presenceCount("lobby")).to.equal(1);
        expect(one?.presenceCount("lobby")).to.equal(2);
        expect(Object.fromEntries(told)).to.deep.equal({ guest0: [], guest1: ["-guest0"] });
        proxy.heal();
        await until(() => told.get("guest1")?.length === 2);
        await until(() => layers.every(({ health }) => health.ok));
        await Promise.all(layers.map((layer) => heartbeats(layer, 5)));
        expect(Object.fromEntries(told)).to.deep.equal({ guest0: [], guest1: ["-guest0", "+guest0"] });
      });
    }
  });

  describe("over Sentinel", () => {
    let group: RedisSentinels;
    beforeEach(async () => {
      group = await startRedisSentinels();
    });
    afterEach(async () => {
      await stopCluster();
      await group.stop();
    });

    for (const Layer of [RedisPubSubLayer, RedisStreamsLayer]) {
      it(`does not change in a failover, over ${Layer.name}`, async () => {
        const { sentinels, name } = group;
        layers = [0, 1].map(() => new Layer({ sentinels, name, ...times }));
        const runtimes = await startNodes(layers);
        // The Sentinels watch only from here on: until then, a slow server is not replaced.
        await group.watch(500);
        await group.master.kill();
        await until(() => layers.every(({ health }) => !health.ok));
        await expectNothingTold(runtimes);
      });
    }
  });
});
