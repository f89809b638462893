import { expect } from "chai";
import { RedisPubSubLayer } from "../../layers/redis/index.ts";
import { until } from "../layers/support/until.ts";
import { type RedisSentinels, startRedisSentinels } from "../support/redis-sentinel.ts";
import { Ledger } from "./support/ledger.ts";
import { through } from "./support/through.ts";

const password = "hunter2-secret";

describe("RedisPubSubLayer over Sentinel, under faults", () => {
  let group: RedisSentinels;
  let layers: RedisPubSubLayer[];
  let errors: Error[];
  beforeEach(async () => {
    group = await startRedisSentinels(password);
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
      await until(() => layers.every(({ health }) => !health.ok));
    });
    expect(await group.masterPort()).to.equal(group.replica.port);
    for (const { message } of errors) {
      expect(message).to.include("mymaster (by Sentinels 127.0.0.1:").and.not.include("hunter2");
    }
    return ledgers;
  }

  it("loses nothing silently when the master is killed, and goes on at the new one", async () => {
    const ledgers = await expectFailover(() => group.master.kill());
    expect(ledgers.map(({ gaps, directGaps }) => [gaps, directGaps.length])).to.deep.equal([
      [1, 1],
      [1, 1],
    ]);
  });

  it("loses nothing silently when the master freezes, and comes back as a replica", async () => {
    await expectFailover(() => group.master.pause());
    await group.master.resume();
  });

  it("can be closed while no Sentinel and no server answers", async () => {
    await Promise.all(layers.map((layer) => layer.ready()));
    await group.stop();
    await until(() => layers.every(({ health }) => !health.ok));
    await Promise.all(layers.map((layer) => layer.close()));
  });
});
