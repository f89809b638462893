import { expect } from "chai";
import type { ChannelLayer } from "../../../../layers/channel-layer.ts";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../../../layers/redis/index.ts";
import { Ledger } from "../../../faults/support/ledger.ts";
import { type RedisFailover, startRedisFailover } from "../../../support/redis-failover.ts";
import { until } from "../../support/until.ts";

describe("the connections of a layer whose subscriber has moved to the new master first", () => {
  let pair: RedisFailover;
  let layer: ChannelLayer;
  beforeEach(async () => {
    pair = await startRedisFailover();
  });
  afterEach(async () => {
    await layer.close();
    await pair.stop();
  });

  async function join(): Promise<Ledger> {
    const ledger = new Ledger();
    await layer.groupAdd("room", await layer.newChannel(ledger));
    return ledger;
  }

  /** Breaks the subscriber's connection to the first server. Returns its id at the second server. */
  async function moveSubscriber(): Promise<string> {
    await pair.first.call("CLIENT", "KILL", "TYPE", "pubsub");
    await until(async () => (await subscriber()) !== undefined);
    return String(await subscriber());
  }

  /** Returns the id of the subscriber's connection to the second server. */
  async function subscriber(): Promise<string | undefined> {
    const list = String(await pair.second.client("LIST", "TYPE", "PUBSUB"));
    return /^id=(\d+).* name=greenroom-subscriber/m.exec(list)?.[1];
  }

  /** Whether the second server has the publisher's connection. */
  const hasPublisher = async () =>
    String(await pair.second.client("LIST")).includes("name=greenroom-publisher");

  it("keep the subscriber when the publisher finds out that its server is a replica", async () => {
    await pair.replicate();
    // No check and no probe runs.
    layer = new RedisStreamsLayer({ url: pair.url, prefix: "chat", probeMs: 3_600_000, onError() {} });
    const ledger = await join();
    // Connects the publisher to the first server.
    await layer.groupSend("room", { type: "number", number: 0 });
    await pair.failOver();
    const id = await moveSubscriber();
    // The first refused command moves the publisher: this one, or one of the layer itself.
    await layer.groupSend("room", { type: "number", number: 1 }).catch(() => {});
    await until(hasPublisher);
    await until(() => layer.health.ok);
    await layer.groupSend("room", { type: "end" });
    await ledger.ended();
    expect(await subscriber()).to.equal(id);
  });

  it("keep the subscriber when a probe of the publisher reaches the old master only", async () => {
    layer = new RedisPubSubLayer({ url: pair.url, prefix: "chat", probeMs: 50, onError() {} });
    const ledger = await join();
    // Both servers are masters: the old one is cut off, and does not know of the failover.
    pair.lead("second");
    const id = await moveSubscriber();
    await until(hasPublisher);
    await until(() => layer.health.ok);
    await layer.groupSend("room", { type: "end" });
    await ledger.ended();
    expect(await subscriber()).to.equal(id);
    expect(ledger.gaps).to.equal(1);
  });
});
