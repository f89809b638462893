import { expect } from "chai";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../layers/redis/index.ts";
import { keySlot } from "../../layers/redis/key-slot.ts";
import { until } from "../layers/support/until.ts";
import { type RedisClusterServers, startRedisCluster } from "../support/redis-cluster.ts";
import { open, settle, Traffic } from "./support/account.ts";
import { throughWithJobInHand } from "./support/job-in-hand.ts";
import { Ledger } from "./support/ledger.ts";
import { through } from "./support/through.ts";

describe("RedisPubSubLayer over a Redis Cluster, under faults", () => {
  let servers: RedisClusterServers;
  let layers: RedisPubSubLayer[];
  let prefix: string;
  let errors: string[];
  beforeEach(async () => {
    servers = await startRedisCluster();
    // A prefix that puts the group of the traffic on the first master, which has a replica.
    prefix = Array.from({ length: 50 }, (_, index) => `chat-${index}`).find(
      (candidate) => servers.masterOf(keySlot(`${candidate}__group__room`)) === 0,
    ) as string;
    errors = [];
    layers = [startLayer(), startLayer()];
  });
  afterEach(async () => {
    await Promise.all(layers.map((layer) => layer.close()));
    await servers.stop();
  });

  function startLayer(): RedisPubSubLayer {
    const onError = (error: unknown) => errors.push(String(error));
    const cluster = servers.masters.map(({ host, port }) => ({ host, port }));
    return new RedisPubSubLayer({ cluster, prefix, probeMs: 200, connectTimeoutMs: 1_000, onError });
  }

  async function join(layer: RedisPubSubLayer, group = "room"): Promise<Ledger> {
    const ledger = new Ledger();
    await layer.groupAdd(group, await layer.newChannel(ledger));
    return ledger;
  }

  it("loses nothing silently when a master is killed: its groups go on at its replica, others notice nothing", async () => {
    const [sender, receiver] = layers as [RedisPubSubLayer, RedisPubSubLayer];
    const elsewhere = Array.from({ length: 50 }, (_, index) => `room-${index}`).find(
      (group) => servers.masterOf(keySlot(`${prefix}__group__${group}`)) === 1,
    );
    const bystander = await join(receiver, elsewhere);
    const ledgers = [await join(sender), await join(receiver)];
    await through(sender, layers, ledgers, async () => {
      await servers.masters[0]?.kill();
      await until(() => layers.every(({ health }) => !health.ok));
    });
    expect(ledgers.map(({ gaps }) => gaps)).to.deep.equal([1, 1]);
    expect(bystander.gaps).to.equal(0);
  });

  it("loses nothing silently when a master is made a replica while it runs", async () => {
    const [sender, receiver] = layers as [RedisPubSubLayer, RedisPubSubLayer];
    const ledgers = [await join(sender), await join(receiver)];
    await through(sender, layers, ledgers, async () => {
      await servers.clients[3]?.call("CLUSTER", "FAILOVER");
      await until(() => ledgers.every(({ gaps }) => gaps > 0));
    });
  });

  it("keeps what is wanted while its slot is elsewhere, and goes on with a gap when the slot is back", async () => {
    const [sender, receiver] = layers as [RedisPubSubLayer, RedisPubSubLayer];
    const ledgers = [await join(sender), await join(receiver)];
    await through(sender, layers, ledgers, async () => {
      await moveSlot(1);
      await until(() => layers.every(({ health }) => !health.ok));
      const failure = await sender.groupSend("room", { type: "x" }).catch((error: Error) => error);
      expect(failure).to.have.property("code", "ERR_LAYER_UNAVAILABLE");
      // Both were told once when it went, and once more when they subscribed where it no longer is.
      await until(() => errors.filter((error) => error.includes("the shard has moved")).length >= 4);
      await moveSlot(0);
    });
  });

  /** Gives the slot of the traffic's group to another master, as if slots were spread anew. */
  async function moveSlot(to: number): Promise<void> {
    const slot = keySlot(`${prefix}__group__room`);
    const id = String(await servers.clients[to]?.call("CLUSTER", "MYID"));
    for (const client of servers.clients.slice(0, 3))
      await client.call("CLUSTER", "SETSLOT", slot, "NODE", id);
    // The newest claim wins.
    await servers.clients[to]?.call("CLUSTER", "BUMPEPOCH");
  }
});

describe("RedisStreamsLayer over a Redis Cluster, under faults", () => {
  let servers: RedisClusterServers;
  let layers: [RedisStreamsLayer, RedisStreamsLayer];
  beforeEach(async () => {
    servers = await startRedisCluster();
    layers = [startLayer(), startLayer()];
  });
  afterEach(async () => {
    await Promise.all(layers.map((layer) => layer.close()));
    await servers.stop();
  });

  function startLayer(): RedisStreamsLayer {
    const cluster = servers.masters.map(({ host, port }) => ({ host, port }));
    const options = { probeMs: 200, connectTimeoutMs: 1_000, capacity: 100_000, onError() {} };
    return new RedisStreamsLayer({ cluster, prefix: "chat", ...options });
  }

  /** A name of which the first master, which has a replica, has what begins with `start`; or the second one. */
  function nameOn(master: number, start: string): string {
    const names = Array.from({ length: 100 }, (_, index) => `name-${index}`);
    const name = names.find((candidate) => servers.masterOf(keySlot(start + candidate)) === master);
    return name ?? expect.fail("A master has no name.");
  }

  for (const [how, fault] of [
    ["is killed", () => servers.masters[0]?.kill()],
    ["is made a replica while it runs", () => servers.clients[3]?.call("CLUSTER", "FAILOVER")],
  ] as const) {
    it(`delivers all or tells a gap, once, when a master ${how}; others notice nothing`, async () => {
      const [room, elsewhere] = [nameOn(0, "chat__group__"), nameOn(1, "chat__group__")];
      const members = await Promise.all(layers.map((layer) => open(layer, room)));
      const bystander = await open(layers[1], elsewhere);
      const traffic = new Traffic(layers[0], room);
      const others = new Traffic(layers[0], elsewhere);
      await traffic.more(50);
      await fault();
      await Promise.all(members.map((member) => member.until(() => member.gaps.length > 0)));
      await traffic.more(50);
      await settle(members, traffic);
      await settle([bystander], others);
      // The new master may lack what nobody here has seen.
      for (const { gaps } of members) expect(gaps).to.deep.equal([{ group: room }]);
      expect(bystander.gaps).to.deep.equal([]);
      expect(bystander.numbers.length).to.equal(others.sent.length);
    });
  }

  it("keeps the jobs, and whoever is busy with one, when a master is killed", async () => {
    await throughWithJobInHand(
      layers,
      nameOn(0, "chat__queue__"),
      async () => servers.clients[0]?.wait(1, 0),
      async () => {
        await servers.masters[0]?.kill();
        await until(() => layers.every(({ health }) => !health.ok));
      },
    );
  });
});
