import { expect } from "chai";
import { Redis } from "ioredis";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../layers/redis/index.ts";
import { until } from "../layers/support/until.ts";
import { type RedisSentinels, startRedisSentinels } from "../support/redis-sentinel.ts";
import { replicated } from "../support/replicated.ts";
import { open, settle, Traffic } from "./support/account.ts";
import { throughWithJobInHand } from "./support/job-in-hand.ts";
import { Ledger } from "./support/ledger.ts";
import { through } from "./support/through.ts";

const password = "hunter2-secret";

describe("RedisPubSubLayer over Sentinel, under faults", () => {
  let group: RedisSentinels;
  let layers: RedisPubSubLayer[];
  let errors: Error[];
  beforeEach(async () => {
    group = await startRedisSentinels({ password, downAfterMs: 500 });
    errors = [];
    layers = [startLayer(), startLayer()];
  });
  afterEach(async () => {
    await Promise.all(layers.map((layer) => layer.close()));
    await group.stop();
  });

  function startLayer(): RedisPubSubLayer {
    const { sentinels, name } = group;
    const onError = (error: unknown) => errors.push(error as Error);
    const times = { probeMs: 200, connectTimeoutMs: 1_000 };
    return new RedisPubSubLayer({ sentinels, name, redis: { password }, prefix: "chat", onError, ...times });
  }

  async function join(layer: RedisPubSubLayer): Promise<Ledger> {
    const ledger = new Ledger();
    await layer.groupAdd("room", await layer.newChannel(ledger));
    return ledger;
  }

  async function expectFailover(fault: () => Promise<unknown>): Promise<Ledger[]> {
    const [sender, receiver] = layers as [RedisPubSubLayer, RedisPubSubLayer];
    const ledgers = [await join(sender), await join(receiver)];
    await through(sender, layers, ledgers, async () => {
      await fault();
      await Promise.all(layers.map((layer) => until(() => !layer.health.ok)));
    });
    expect(await group.masterPort()).to.equal(group.replica.port);
    for (const { message } of errors) {
      expect(message).to.include("mymaster (by Sentinels 127.0.0.1:").and.not.include("hunter2");
    }
    return ledgers;
  }

  it("loses nothing silently when the master is killed, and continues at the new one", async () => {
    const ledgers = await expectFailover(() => group.master.kill());
    expect(ledgers.map(({ gaps, directGaps }) => [gaps, directGaps.length])).to.deep.equal([
      [1, 1],
      [1, 1],
    ]);
  });

  it("loses nothing silently when the master freezes and comes back as a replica", async () => {
    await expectFailover(() => group.master.pause());
    await group.master.resume();
  });

  it("can be closed while no Sentinel and no server replies", async () => {
    await Promise.all(layers.map((layer) => layer.ready()));
    await group.stop();
    await Promise.all(layers.map((layer) => until(() => !layer.health.ok)));
    await Promise.all(layers.map((layer) => layer.close()));
  });
});

describe("RedisStreamsLayer over Sentinel, under faults", () => {
  let group: RedisSentinels;
  let layers: [RedisStreamsLayer, RedisStreamsLayer];
  beforeEach(async () => {
    group = await startRedisSentinels({ password, downAfterMs: 500 });
    layers = [startLayer(), startLayer()];
  });
  afterEach(async () => {
    await Promise.all(layers.map((layer) => layer.close()));
    await group.stop();
  });

  function startLayer(): RedisStreamsLayer {
    const { sentinels, name } = group;
    const options = { probeMs: 200, connectTimeoutMs: 1_000, capacity: 100_000, onError() {} };
    return new RedisStreamsLayer({ sentinels, name, redis: { password }, prefix: "chat", ...options });
  }

  async function failover(fault: () => Promise<unknown>): Promise<void> {
    await fault();
    await Promise.all(layers.map((layer) => until(() => !layer.health.ok)));
    await until(() => layers.every(({ health }) => health.ok));
    expect(await group.masterPort()).to.equal(group.replica.port);
  }

  for (const [how, fault, after] of [
    ["is killed", () => group.master.kill(), async () => {}],
    ["freezes and comes back as a replica", () => group.master.pause(), () => group.master.resume()],
  ] as const) {
    it(`delivers all messages or reports one gap when the master ${how}`, async () => {
      const members = await Promise.all(layers.map((layer) => open(layer, "room")));
      const traffic = new Traffic(layers[0], "room");
      await traffic.more(50);
      await failover(fault);
      await traffic.more(50);
      await settle(members, traffic);
      // The new master may lack messages that no member has received.
      for (const { gaps } of members) expect(gaps).to.deep.equal([{ group: "room" }]);
      await after();
    });
  }

  it("keeps the jobs and their worker when the master is killed", async () => {
    const raw = new Redis(group.master.url, { retryStrategy: null });
    raw.on("error", () => {});
    await throughWithJobInHand(
      layers,
      "jobs",
      () => replicated(raw),
      () => failover(() => group.master.kill()),
    );
    raw.disconnect();
  });
});
