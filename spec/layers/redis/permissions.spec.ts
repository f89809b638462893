import { expect } from "chai";
import { Redis } from "ioredis";
import {
  type PubSubCommands,
  pubSub,
  shardedPubSub,
} from "../../../layers/redis/connection/pubsub-commands.ts";
import { redisServer } from "../../../layers/redis/connection/server-options.ts";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../../layers/redis/index.ts";
import { RedisPubSubBackend } from "../../../layers/redis/pubsub/pubsub-backend.ts";
import { Recorder } from "../../../layers/testing/index.ts";
import { type RedisServer, startRedisServer } from "../../support/redis.ts";
import { until } from "../support/until.ts";

describe("a topic that Redis does not permit", () => {
  let server: RedisServer;
  let raw: Redis;
  let url: string;
  let errors: string[];
  let opened: { close(): Promise<void> };
  beforeEach(async () => {
    server = await startRedisServer();
    raw = new Redis(server.url);
    await raw.call("ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "allchannels");
    url = `redis://app:secret@${server.host}:${server.port}`;
    errors = [];
  });
  afterEach(async () => {
    await opened.close();
    await raw.quit();
    await server.stop();
  });

  /**
   * Sets the channels that the user may subscribe to. Redis closes connections that have subscriptions to
   * other channels.
   */
  const permit = (...patterns: string[]) =>
    raw.call("ACL", "SETUSER", "app", "resetchannels", ...patterns.map((pattern) => `&${pattern}`));

  const settled = async (call: Promise<unknown>) => {
    const [outcome] = await Promise.allSettled([call]);
    return outcome?.status === "rejected" ? String(outcome.reason) : "done";
  };

  const kinds: Record<string, PubSubCommands> = { "pub/sub": pubSub, "sharded pub/sub": shardedPubSub };
  for (const [kind, commands] of Object.entries(kinds)) {
    it(`does not affect other topics, over ${kind}`, async () => {
      const heard: string[] = [];
      const shard = { server: redisServer({ url }), commands, probeTopic: "probe" };
      const backend = new RedisPubSubBackend({ shard });
      opened = backend;
      await backend.open({
        payload: (topic, payload) => heard.push(`${topic}: ${Buffer.from(payload)}`),
        gap: (topic) => heard.push(`${topic}: gap`),
        error: ({ message }) => errors.push(message),
      });
      await permit("probe", "open-*");
      const joins = ["open-1", "shut", "open-2"].map((topic) => settled(backend.subscribe(topic)));
      const [first, refused, second] = await Promise.all(joins);
      expect([first, second]).to.deep.equal(["done", "done"]);
      expect(refused).to.include(`refuses ${commands.subscribeName} on "shut"`).and.to.include("NOPERM");
      await permit("probe", "open-2", "shut");
      await until(() => heard.length > 0);
      const told = () => errors.filter((message) => message.includes("NOPERM"));
      await until(() => told().length > 0);
      await permit("*");
      await until(() => heard.length > 1);
      for (const topic of ["shut", "open-1", "open-2"]) {
        await commands.publish(raw, topic, "message");
        await commands.publish(raw, "open-2", topic);
        await until(() => heard.includes(`open-2: ${topic}`));
      }
      expect(heard).to.deep.equal([
        "open-2: gap",
        "open-1: gap",
        "open-2: shut",
        "open-1: message",
        "open-2: open-1",
        "open-2: message",
        "open-2: open-2",
      ]);
      expect(told()).to.have.length(1);
      expect(told()[0]).to.include('"open-1"').and.to.include(`${server.host}:${server.port}`);
    });
  }

  it("reports a gap to its members and delivers again once it is permitted", async () => {
    const onError = (error: unknown) => errors.push(String(error));
    const layer = new RedisPubSubLayer({ url, prefix: "chat", onError });
    opened = layer;
    const inbox = new Recorder();
    const channel = await layer.newChannel(inbox);
    await layer.groupAdd("room", channel);
    await permit("chat__node__*", "chat__probe__*");
    await until(() => errors.some((message) => message.includes("NOPERM")));
    expect(await settled(layer.groupAdd("another", channel))).to.include("NOPERM");
    await permit("*");
    await inbox.until(() => inbox.gaps.some(({ group }) => group === "room"));
    await layer.groupSend("room", { type: "end" });
    await inbox.next("end");
    await layer.groupAdd("another", channel);
    await layer.groupSend("another", { type: "end of another" });
    await inbox.next("end of another");
    expect(inbox.gaps.filter(({ group }) => group !== undefined)).to.deep.equal([{ group: "room" }]);
  });
});

describe("a key that Redis does not permit", () => {
  let server: RedisServer;
  let raw: Redis;
  let layer: RedisStreamsLayer;
  let inbox: Recorder;
  let channel: string;
  beforeEach(async () => {
    server = await startRedisServer();
    raw = new Redis(server.url);
    await raw.call("ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "allchannels");
    layer = new RedisStreamsLayer({
      url: `redis://app:secret@${server.host}:${server.port}`,
      prefix: "chat",
      tailCheckMs: 20,
      onError() {},
    });
    inbox = new Recorder();
    channel = await layer.newChannel(inbox);
  });
  afterEach(async () => {
    await layer.close();
    raw.disconnect();
    await server.kill();
  });

  const permit = (...groups: string[]) =>
    raw.call("ACL", "SETUSER", "app", "resetkeys", ...groups.map((group) => `~{chat__group__${group}}*`));

  it("does not affect groups that are joined at the same time", async () => {
    await permit("one", "two", "three");
    const names = ["one", "two", "shut", "three"];
    const joins = await Promise.allSettled(names.map((name) => layer.groupAdd(name, channel)));
    expect(joins.map(({ status }) => status)).to.deep.equal([
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    // The refused commands for several groups do not count, only that of the refused group.
    expect(layer.health.reason).to.include('refuses EVALSHA on "{chat__group__shut}:head"');
    await layer.groupSend("three", { type: "end" });
    await inbox.next("end");
  });

  it("does not keep the layer from renewing the heads of other groups", async () => {
    await Promise.all(["open", "shut"].map((name) => layer.groupAdd(name, channel)));
    await permit("open");
    const head = "{chat__group__open}:head";
    await raw.pexpire(head, 1_700_000);
    await until(async () => (await raw.pttl(head)) > 3_500_000);
  });
});
