import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { Redis } from "ioredis";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Message } from "../../layers/message.ts";
import { RedisPubSubLayer, RedisStreamsLayer, type RedisTarget } from "../../layers/redis/index.ts";
import { sendersInHash } from "../../layers/redis/jobs/queue-scripts.ts";
import { Recorder } from "../../layers/testing/index.ts";
import {
  bytes,
  commit,
  listen,
  message,
  newPartition,
  Owner,
  shipment,
} from "../layers/support/state/fixture.ts";
import { until } from "../layers/support/until.ts";
import { startRedisServer } from "../support/redis.ts";
import { startRedisCluster } from "../support/redis-cluster.ts";

const page = fileURLToPath(new URL("../../docs/guides/permit-redis-commands.md", import.meta.url));

describe("docs/guides/permit-redis-commands.md", () => {
  /** The lines of each section, by the section's heading. */
  let lines: Map<string, string[]>;
  let clients: Redis[];
  let permitted: Set<string>;
  let opened: ChannelLayer | undefined;
  let stop: () => Promise<unknown>;
  before(async () => {
    const sections = (await readFile(page, "utf8")).split("\n## ").slice(1);
    lines = new Map(
      sections.map((section) => [
        section.slice(0, section.indexOf("\n")),
        [...section.matchAll(/^ACL SETUSER .*/gm)].map(([line]) => line),
      ]),
    );
  });
  beforeEach(() => {
    clients = [];
    permitted = new Set();
    stop = async () => {};
  });
  afterEach(async () => {
    await opened?.close();
    for (const client of clients) client.disconnect();
    await stop();
  });

  async function startServer(): Promise<{ url: string }> {
    const server = await startRedisServer();
    stop = () => server.kill();
    clients = [new Redis(server.url, { enableReadyCheck: false })];
    return { url: server.url.replace("//", "//chat:SECRET@") };
  }

  const login = { redis: { username: "chat", password: "SECRET" } };

  async function startCluster(): Promise<RedisTarget> {
    const servers = await startRedisCluster();
    stop = () => servers.stop();
    clients = [...servers.clients];
    return { cluster: servers.masters, ...login };
  }

  /** Sends a command to every server. */
  const all = async (...command: [string, ...string[]]) =>
    Promise.all(clients.map((client) => client.call(...command)));

  const stats = async () => (await all("INFO", "commandstats")).join("\n");

  async function permit(commands: readonly string[] = []): Promise<void> {
    expect(commands).not.to.deep.equal([]);
    for (const command of commands) {
      await all(...(command.split(" ") as [string]));
      for (const [, name = ""] of command.matchAll(/ \+(\S+)/g)) permitted.add(name);
      for (const [, name = ""] of command.matchAll(/ -(\S+)/g)) permitted.delete(name);
    }
    await all("CONFIG", "RESETSTAT");
  }

  /** Runs the lines of the sections that have these headings. */
  const permitSections = (...headings: string[]) =>
    permit(headings.flatMap((heading) => lines.get(heading) ?? []));

  async function useGroups(layer: ChannelLayer): Promise<void> {
    const inbox = new Recorder();
    const channel = await layer.newChannel(inbox);
    await layer.groupAdd("room", channel);
    await layer.groupSend("room", { type: "note" });
    await layer.send(channel, { type: "direct" });
    await inbox.next("note");
    await inbox.next("direct");
    const lost = until(() => !layer.health.ok);
    await all("CLIENT", "KILL", "TYPE", "pubsub");
    await lost;
    await layer.groupSend("room", { type: "missed" });
    await until(() => layer.health.ok);
    const other = await layer.newChannel(inbox);
    await layer.groupAdd("room", other);
    await layer.groupSend("room", { type: "end" });
    await inbox.next("end");
    if (layer.capabilities.history) {
      await inbox.next("missed");
      await layer.history("room");
      await layer.secret();
    }
    await layer.groupDiscard("room", channel);
    await layer.deleteChannel(other);
    // The liveness probe.
    await until(async () => (await stats()).includes("cmdstat_ping:"));
  }

  /**
   * A job that succeeds, one that is retried, one that dies, one whose worker dies, an idle worker that closes, and
   * a queue that is deleted.
   */
  async function useQueues(layer: ChannelLayer): Promise<void> {
    const fails = async () => {
      throw new Error("not today");
    };
    const failing = await layer.consume("jobs", fails, { maxDeliveries: 2, retryAfterMs: 0 });
    await layer.send("jobs", { type: "job" });
    await until(() => layer.counters().dropped["dead-letter"] === 1);
    await failing.close();
    const handled: string[] = [];
    const handle = ({ type }: Message) => handled.push(String(type));
    const consumption = await layer.consume("jobs.dead", handle, { claimAfterMs: 100 });
    await until(() => handled.length === 1);
    const lost = until(() => !layer.health.ok);
    await all("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await lost;
    await until(() => layer.health.ok);
    await layer.send("jobs.dead", { type: "job" });
    await until(() => handled.length === 2);
    // Closing then has to unblock the read.
    await until(async () => /^blocked_clients:[1-9]/m.test((await all("INFO", "clients")).join("\n")));
    await consumption.close();
    await layer.deleteQueue("jobs.dead");
  }

  /** Jobs of so many senders that their numbers fill a hash. */
  async function addOnce(layer: ChannelLayer): Promise<void> {
    const senders = Array.from({ length: sendersInHash + 1 }, (_, index) => `sender ${index}`);
    const add = (sender: string) => layer.send("jobs", { type: "job" }, { once: { sender, number: 1 } });
    await Promise.all(senders.map(add));
    await layer.deleteQueue("jobs");
  }

  /** All that a node and a caller do with the store of named actors. */
  async function useState(layer: ChannelLayer): Promise<void> {
    const partition = newPartition();
    const { kind } = partition;
    await layer.state.run(async (state) => {
      await state.partitions(kind, 4);
      const payloads = await listen(state, { kind, topic: "members" });
      await state.beat(kind, { node: "one", version: 2 }, 2_500);
      await until(() => payloads.length === 1);
      const owner = await Owner.of(state, partition);
      await owner.claim(2);
      await state.release(partition, owner.token);
      const next = new Owner(state, partition);
      await next.claim(2);
      await state.ship(partition, shipment([message(1, "a"), message(2, "b", "2", true), message(3, "a")]));
      const view = await listen(state, { partition, topic: "view", key: "a" });
      await next.turn({
        commits: [
          commit("a", "v-1", {
            taken: 1,
            view: bytes("v"),
            outbox: [bytes("o")],
            dead: [bytes("d")],
            deadline: 1,
          }),
          commit("b", "v-1", { parked: bytes("why") }),
          commit("c", "v-9", { from: "v-8" }),
        ],
        takes: [{ key: "a", load: true }],
        listWaiting: true,
        due: 10,
        outboxAfter: 0,
      });
      await until(() => view.length === 1);
      await next.turn({ commits: [commit("a", "v-2", { from: "v-1" })], asleep: ["a"], relayed: 1 });
      await next.turn({ commits: [commit("b", "", { from: "v-1", remove: true })] });
      await state.read(partition, "a");
      await state.replace(partition, "a", { version: "w-1", data: bytes("x"), deadline: 5 }, bytes("v"));
      await state.replace(partition, "a", undefined, undefined);
      await state.resume(partition, "a");
      await state.keys(partition);
      await state.describe(partition);
      await state.deadLetters(partition);
      await state.unsubscribe({ partition, topic: "view", key: "a" });
      await state.members(kind);
      await state.leave(kind, "one");
    });
  }

  /** The commands that the server has denied, with the key or channel if that was the reason. */
  async function denied(): Promise<string[]> {
    const entries = (await all("ACL", "LOG")).flat() as string[][];
    return entries.map((entry) => {
      const fact = (name: string) => entry[entry.indexOf(name) + 1];
      return `${fact("reason")}: ${fact("object")}`;
    });
  }

  /** The permitted commands that neither the layer nor a script has sent. */
  async function unused(): Promise<string[]> {
    const seen = await stats();
    return [...permitted].filter((name) => !seen.includes(`cmdstat_${name}:`));
  }

  async function check(layer: ChannelLayer, ...uses: ((layer: ChannelLayer) => Promise<void>)[]) {
    opened = layer;
    await layer.ready();
    for (const use of uses) await use(layer);
    await layer.close();
    expect({ denied: await denied(), unused: await unused() }).to.deep.equal({ denied: [], unused: [] });
  }

  const options = { prefix: "chat", probeMs: 100, onError() {}, commandQueue: { deadlineMs: 60_000 } };

  it("permits all that RedisPubSubLayer sends, and no more", async () => {
    const target = await startServer();
    await permitSections("`RedisPubSubLayer`");
    await check(new RedisPubSubLayer({ ...options, ...target }), useGroups);
  });

  it("permits all that RedisStreamsLayer sends, and no more", async () => {
    const target = await startServer();
    await permitSections("`RedisPubSubLayer`", "`RedisStreamsLayer`");
    await check(new RedisStreamsLayer({ ...options, ...target }), useGroups);
  });

  it("permits all that work queues send, and no more", async () => {
    const target = await startServer();
    await permitSections("`RedisPubSubLayer`", "`RedisStreamsLayer`", "Work queues");
    await check(new RedisStreamsLayer({ ...options, ...target }), useGroups, useQueues);
  });

  it("permits all that jobs of named actors need, and no more", async () => {
    const target = await startServer();
    const sections = ["`RedisPubSubLayer`", "`RedisStreamsLayer`", "Work queues", "Jobs of named actors"];
    await permitSections(...sections);
    await check(new RedisStreamsLayer({ ...options, ...target }), useGroups, useQueues, addOnce);
  });

  it("permits all that named actors send, and no more", async () => {
    const target = await startServer();
    await permitSections("`RedisPubSubLayer`", "`RedisStreamsLayer`", "Named actors");
    await check(new RedisStreamsLayer({ ...options, ...target }), useGroups, useState);
  });

  it("permits a process that only sends jobs, with the first line of the section about queues", async () => {
    const target = await startServer();
    await permitSections("`RedisPubSubLayer`", "`RedisStreamsLayer`");
    await permit(lines.get("Work queues")?.slice(0, 1));
    await check(new RedisStreamsLayer({ ...options, ...target }), useGroups, (layer) =>
      layer.send("jobs", { type: "job" }),
    );
  });

  it("permits all that a layer sends to a cluster, and no more", async function () {
    this.timeout(180_000);
    const target = await startCluster();
    await permitSections(
      "`RedisPubSubLayer`",
      "`RedisStreamsLayer`",
      "Work queues",
      "Named actors",
      "Redis Cluster",
    );
    await check(new RedisStreamsLayer({ ...options, ...target }), useGroups, useQueues, useState);
  });
});
