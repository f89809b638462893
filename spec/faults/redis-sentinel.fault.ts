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

/** The layers are patient with a server that is slow, unless silence is the fault. */
const patientMs = 20_000;
const impatientMs = 1_000;

/** The Sentinels watch only from here on: until then, a slow server is not replaced. */
async function killMaster(group: RedisSentinels): Promise<void> {
  await group.watch(500);
  await group.master.kill();
}

async function freezeMaster(group: RedisSentinels): Promise<void> {
  await group.watch(500);
  await group.master.pause();
}

describe("RedisPubSubLayer over Sentinel, under faults", () => {
  let group: RedisSentinels;
  let layers: RedisPubSubLayer[];
  let errors: Error[];
  beforeEach(async () => {
    group = await startRedisSentinels({ password });
    errors = [];
    layers = [];
  });
  afterEach(async () => {
    await Promise.all(layers.map((layer) => layer.close()));
    await group.stop();
  });

  function startLayer(connectTimeoutMs: number): RedisPubSubLayer {
    const { sentinels, name } = group;
    const onError = (error: unknown) => errors.push(error as Error);
    const times = { probeMs: 200, connectTimeoutMs };
    const options = { redis: { password }, prefix: "chat", onError, ...times };
    const layer = new RedisPubSubLayer({ sentinels, name, ...options });
    layers.push(layer);
    return layer;
  }

  async function join(layer: RedisPubSubLayer): Promise<Ledger> {
    const ledger = new Ledger();
    await layer.groupAdd("room", await layer.newChannel(ledger));
    return ledger;
  }

  async function expectFailover(fault: () => Promise<unknown>, connectTimeoutMs: number): Promise<Ledger[]> {
    const [sender, receiver] = [startLayer(connectTimeoutMs), startLayer(connectTimeoutMs)];
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
    const ledgers = await expectFailover(() => killMaster(group), patientMs);
    expect(ledgers.map(({ gaps, directGaps }) => [gaps, directGaps.length])).to.deep.equal([
      [1, 1],
      [1, 1],
    ]);
  });

  it("loses nothing silently when the master freezes and comes back as a replica", async () => {
    await expectFailover(() => freezeMaster(group), impatientMs);
    await group.master.resume();
  });

  it("can be closed while no Sentinel and no server replies", async () => {
    for (const _ of [1, 2]) startLayer(patientMs);
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
    group = await startRedisSentinels({ password });
  });
  afterEach(async () => {
    await Promise.all(layers.map((layer) => layer.close()));
    await group.stop();
  });

  function startLayer(connectTimeoutMs: number): RedisStreamsLayer {
    const { sentinels, name } = group;
    const options = { probeMs: 200, connectTimeoutMs, capacity: 100_000, onError() {} };
    return new RedisStreamsLayer({ sentinels, name, redis: { password }, prefix: "chat", ...options });
  }

  async function failover(fault: () => Promise<unknown>): Promise<void> {
    await fault();
    await Promise.all(layers.map((layer) => until(() => !layer.health.ok)));
    await until(() => layers.every(({ health }) => health.ok));
    expect(await group.masterPort()).to.equal(group.replica.port);
  }

  for (const [how, fault, after, ms] of [
    ["is killed", killMaster, async () => {}, patientMs],
    ["freezes and comes back as a replica", freezeMaster, () => group.master.resume(), impatientMs],
  ] as const) {
    it(`delivers all messages or reports one gap when the master ${how}`, async () => {
      layers = [startLayer(ms), startLayer(ms)];
      const members = await Promise.all(layers.map((layer) => open(layer, "room")));
      const traffic = new Traffic(layers[0], "room");
      await traffic.more(50);
      await failover(() => fault(group));
      await traffic.more(50);
      await settle(members, traffic);
      // The new master may lack messages that no member has received.
      for (const { gaps } of members) expect(gaps).to.deep.equal([{ group: "room" }]);
      await after();
    });
  }

  it("keeps the jobs and their worker when the master is killed", async () => {
    layers = [startLayer(patientMs), startLayer(patientMs)];
    const raw = new Redis(group.master.url, { retryStrategy: null });
    raw.on("error", () => {});
    await throughWithJobInHand(
      layers,
      "jobs",
      () => replicated(raw),
      () => failover(() => killMaster(group)),
    );
    raw.disconnect();
  });
});
