import { expect } from "chai";
import { keySlot } from "../../../../layers/redis/sharding/key-slot.ts";
import { StateKeys } from "../../../../layers/redis/state/state-keys.ts";
import { type RedisServer, startRedisServer } from "../../../support/redis.ts";
import { type RedisClusterServers, startRedisCluster } from "../../../support/redis-cluster.ts";
import { describeState } from "../../support/describe-state.ts";
import { commit, message, Owner, shipment, texts } from "../../support/state/fixture.ts";
import { until } from "../../support/until.ts";
import { openNode, openNodes } from "./support/state-nodes.ts";

describe("named actors on two hosts", () => {
  let servers: RedisServer[];
  before(async () => {
    servers = [await startRedisServer(), await startRedisServer()];
  });
  after(() => Promise.all(servers.map((server) => server.stop())));

  describeState("two hosts", () => openNodes({ hosts: servers.map(({ url }) => url) }));
});

describe("named actors on a Redis Cluster", () => {
  let servers: RedisClusterServers;
  before(async function () {
    this.timeout(60_000);
    servers = await startRedisCluster();
  });
  after(() => servers.stop());

  describeState("a cluster", () => openNodes({ cluster: servers.masters.slice(1, 2) }));

  it("keeps partitions on all shards", async () => {
    const keys = new StateKeys("chat");
    const used = new Set(
      Array.from({ length: 256 }, (_, index) => servers.masterOf(keySlot(keys.tag({ kind: "lot", index })))),
    );
    expect(used.size).to.equal(3);
  });

  it("keeps actors and subscriptions when the slot of a partition moves", async function () {
    this.timeout(60_000);
    const { backend, state } = await openNode({ cluster: servers.masters.slice(1, 2) });
    await state.open();
    const partition = { kind: "moving", index: 3 };
    const received: string[] = [];
    await state.subscribe(
      { partition, topic: "wake" },
      {
        payload: (payload) => received.push(...texts([payload]).map(String)),
        gap: () => received.push("gap"),
      },
    );
    const owner = await Owner.of(state, partition);
    await owner.commit(commit("a", "v-1"));
    const slot = keySlot(new StateKeys("chat").tag(partition));
    const from = servers.masterOf(slot);
    await servers.moveSlot(slot, from, (from + 1) % 3);
    const ship = () => state.ship(partition, shipment([message(1, "a")]));
    await until(() =>
      ship().then(
        ({ isHeard }) => isHeard,
        () => false,
      ),
    );
    await until(() => received.includes("gap") && received.includes('["a"]'));
    expect(await owner.messages("a")).to.deep.equal(["1"]);
    await owner.commit(commit("a", "v-2", { from: "v-1", taken: 1 }));
    expect((await state.read(partition, "a")).state?.version).to.equal("v-2");
    await backend.close();
  });
});
