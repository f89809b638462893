import { expect } from "chai";
import type { Redis } from "ioredis";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../layers/redis/index.ts";
import { keySlot } from "../../layers/redis/sharding/key-slot.ts";
import { Worker } from "../../layers/testing/index.ts";
import { until } from "../layers/support/until.ts";
import { type RedisClusterServers, startRedisCluster } from "../support/redis-cluster.ts";
import { replicated } from "../support/replicated.ts";
import { open, Traffic as StreamTraffic, settle } from "./support/account.ts";
import { throughWithJobInHand } from "./support/job-in-hand.ts";
import { Ledger } from "./support/ledger.ts";
import { through } from "./support/through.ts";
import { Traffic } from "./support/traffic.ts";

/** The layers are patient with a server that is slow: the kills and failovers show at once. */
const patientMs = 20_000;

/** The servers watch each other only from here on: until then, a slow server is not replaced. */
async function killFirstMaster(servers: RedisClusterServers): Promise<void> {
  await servers.watch(1_000);
  await servers.masters[0]?.kill();
}

describe("RedisPubSubLayer over a Redis Cluster, under faults", () => {
  let servers: RedisClusterServers;
  let layers: RedisPubSubLayer[];
  let prefix: string;
  let errors: string[];
  beforeEach(async () => {
    servers = await startRedisCluster();
    // With this prefix, the traffic's group is on the first master, which has a replica.
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
    return new RedisPubSubLayer({ cluster, prefix, probeMs: 200, connectTimeoutMs: patientMs, onError });
  }

  async function join(layer: RedisPubSubLayer, group = "room"): Promise<Ledger> {
    const ledger = new Ledger();
    await layer.groupAdd(group, await layer.newChannel(ledger));
    return ledger;
  }

  it("loses nothing silently when a master is killed, and other groups are not affected", async () => {
    const [sender, receiver] = layers as [RedisPubSubLayer, RedisPubSubLayer];
    const elsewhere = Array.from({ length: 50 }, (_, index) => `room-${index}`).find(
      (group) => servers.masterOf(keySlot(`${prefix}__group__${group}`)) === 1,
    );
    const bystander = await join(receiver, elsewhere);
    const ledgers = [await join(sender), await join(receiver)];
    await through(sender, layers, ledgers, async () => {
      await killFirstMaster(servers);
      await Promise.all(layers.map((layer) => until(() => !layer.health.ok)));
    });
    expect(ledgers.map(({ gaps }) => gaps)).to.deep.equal([1, 1]);
    expect(bystander.gaps).to.equal(0);
  });

  it("loses nothing silently when a running master becomes a replica", async () => {
    const [sender, receiver] = layers as [RedisPubSubLayer, RedisPubSubLayer];
    const ledgers = [await join(sender), await join(receiver)];
    await through(sender, layers, ledgers, async () => {
      await servers.failOver();
      // The old master accepts publications until the publishers find out that it is a replica.
      const atOldMaster = async () => String(await servers.clients[0]?.client("LIST"));
      await until(async () => !(await atOldMaster()).includes("name=greenroom-publisher"));
      await until(() => ledgers.every(({ gaps }) => gaps > 0));
    });
    expect(ledgers.map(({ gaps }) => gaps)).to.deep.equal([1, 1]);
  });

  it("follows a slot that moves to another master and back, with a gap each time", async () => {
    const [sender, receiver] = layers as [RedisPubSubLayer, RedisPubSubLayer];
    // Topics that do not move are also subscribed again.
    const bystander = await join(receiver, "bystander");
    using others = new Traffic(sender, "bystander");
    const slot = keySlot(`${prefix}__group__room`);
    const ledgers = [await join(sender), await join(receiver)];
    const leaving = await receiver.newChannel(new Ledger());
    await receiver.groupAdd("room", leaving);
    await through(sender, layers, ledgers, async () => {
      for (const [from, to] of [
        [0, 1],
        [1, 0],
        [0, 2],
      ] as const) {
        const before = ledgers.map(({ gaps }) => gaps);
        await servers.moveSlot(slot, from, to);
        // Messages after the gap come from the new master.
        await until(() =>
          ledgers.every(({ gaps, lines }, index) => gaps > (before[index] ?? 0) && lines.at(-1) !== "gap"),
        );
        await until(() => layers.every(({ health }) => health.ok));
      }
    });
    const joined = await join(receiver);
    await sender.groupSend("room", { type: "end" });
    await joined.ended();
    await others.end();
    await bystander.ended();
    bystander.expectNoSilentLoss(others.accepted);
  });
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

  function startLayer(probeMs = 200, connectTimeoutMs = patientMs): RedisStreamsLayer {
    const cluster = servers.masters.map(({ host, port }) => ({ host, port }));
    const options = { probeMs, connectTimeoutMs, capacity: 100_000, onError() {} };
    return new RedisStreamsLayer({ cluster, prefix: "chat", ...options });
  }

  /** Returns a name for which the key `start` + name is on the master `master`. Master 0 has a replica. */
  function nameOn(master: number, start: string): string {
    const names = Array.from({ length: 100 }, (_, index) => `name-${index}`);
    const name = names.find((candidate) => servers.masterOf(keySlot(start + candidate)) === master);
    return name ?? expect.fail("A master has no name.");
  }

  for (const [how, fault] of [
    ["is killed", () => killFirstMaster(servers)],
    ["becomes a replica while it runs", () => servers.failOver()],
  ] as const) {
    it(`delivers all messages or reports one gap when a master ${how}, in its groups only`, async () => {
      const [room, elsewhere] = [nameOn(0, "chat__group__"), nameOn(1, "chat__group__")];
      const members = await Promise.all(layers.map((layer) => open(layer, room)));
      const bystander = await open(layers[1], elsewhere);
      const traffic = new StreamTraffic(layers[0], room);
      const others = new StreamTraffic(layers[0], elsewhere);
      await traffic.more(50);
      await fault();
      await Promise.all(members.map((member) => member.until(() => member.gaps.length > 0)));
      await traffic.more(50);
      await settle(members, traffic);
      await settle([bystander], others);
      // The new master may lack messages that no member has received.
      for (const { gaps } of members) expect(gaps).to.deep.equal([{ group: room }]);
      expect(bystander.gaps).to.deep.equal([]);
      expect(bystander.numbers.length).to.equal(others.sent.length);
    });
  }

  it("reads a history at the new master without any other sign of the failover", async () => {
    const room = nameOn(0, "chat__group__");
    const layer = startLayer(60_000);
    await layer.groupSend(room, { type: "message" });
    await replicated(servers.clients[0] as Redis);
    await servers.failOver();
    const isOver = async () => String(await servers.clients[0]?.info("replication")).includes("role:slave");
    while (!(await isOver()));
    const length = () =>
      layer.history(room).then(
        ({ entries }) => entries.length,
        () => new Promise<number>((resolve) => setTimeout(resolve, 5, 0)),
      );
    while ((await length()) !== 1);
    await layer.close();
  });

  it("delivers all messages or reports a gap when slots and keys move to other masters", async () => {
    const room = nameOn(0, "chat__group__");
    const slot = keySlot(`chat__group__${room}`);
    const members = await Promise.all(layers.map((layer) => open(layer, room)));
    const traffic = new StreamTraffic(layers[0], room);
    await traffic.more(50);
    for (const [from, to] of [
      [0, 1],
      [1, 2],
      [2, 0],
    ] as const) {
      const before = members.map(({ gaps }) => gaps.length);
      await servers.moveSlot(slot, from, to);
      await Promise.all(
        members.map((member, index) => member.until(() => member.gaps.length > (before[index] ?? 0))),
      );
      await traffic.more(50);
    }
    await settle(members, traffic);
    // No connections to the former shards remain. Each of the two layers has one connection to each of the
    // three shards.
    const subscribers = async () => {
      const lists = await Promise.all(servers.clients.map((client) => client.client("LIST")));
      return lists.join().split("name=greenroom-subscriber").length - 1;
    };
    while ((await subscribers()) !== 6);
    const { entries, complete } = await layers[1].history(room, { limit: 100_000, since: 0 });
    expect(complete).to.equal(true);
    const kept = new Set(entries.map(({ message }) => message.number));
    expect(traffic.sent.filter((number) => !kept.has(number))).to.deep.equal([]);
  });

  it("starts consumptions while slots move to other masters, and each of them works", async () => {
    const [sender, receiver] = layers;
    await receiver.groupAdd("room", await receiver.newChannel(new Ledger()));
    const slot = keySlot("chat__group__room");
    const from = servers.masterOf(slot);
    const worker = new Worker();
    const beginnings: Promise<unknown>[] = [];
    let isMoving = true;
    const begin = async () => {
      while (isMoving) {
        beginnings.push(receiver.consume(`jobs-${beginnings.length}`, worker.handle));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const beginning = begin();
    const traffic = new StreamTraffic(sender, "room");
    for (const [source, target] of [
      [from, (from + 1) % 3],
      [(from + 1) % 3, from],
    ] as const) {
      await servers.moveSlot(slot, source, target);
      await traffic.more(20);
    }
    isMoving = false;
    await beginning;
    await Promise.all(beginnings);
    await Promise.all(
      beginnings.map((_, index) => sender.send(`jobs-${index}`, { type: "job", number: index })),
    );
    await worker.hasBegun(beginnings.length);
    expect(new Set(worker.numbers).size).to.equal(beginnings.length);
  });

  it("continues with the jobs of a queue whose slot moves to another master", async () => {
    // A read that waits at the old master may end by its timeout only.
    await layers[1].close();
    layers[1] = startLayer(200, 1_000);
    const queue = nameOn(0, "chat__queue__");
    const worker = new Worker();
    const consumption = await layers[1].consume(queue, worker.handle, { claimAfterMs: 500 });
    const done = () => new Set(worker.numbers).size;
    for (let number = 1; number <= 50; number += 1) await layers[0].send(queue, { type: "job", number });
    await servers.moveSlot(keySlot(`chat__queue__${queue}`), 0, 1);
    for (let number = 51; number <= 100; number += 1) {
      const send = () =>
        layers[0].send(queue, { type: "job", number }).then(
          () => true,
          () => false,
        );
      while (!(await send())) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await worker.until(() => done() === 100);
    await consumption.close();
    await until(() => layers.every(({ health }) => health.ok));
  });

  it("keeps the jobs and their worker when a master is killed", async () => {
    await throughWithJobInHand(
      layers,
      nameOn(0, "chat__queue__"),
      () => replicated(servers.clients[0] as Redis),
      async () => {
        await killFirstMaster(servers);
        await Promise.all(layers.map((layer) => until(() => !layer.health.ok)));
      },
    );
  });
});
