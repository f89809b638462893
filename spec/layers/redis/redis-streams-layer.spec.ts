import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { Redis } from "ioredis";
import { SimulatedClock } from "xstate";
import { RedisStreamsLayer, type RedisStreamsLayerOptions } from "../../../layers/redis/index.ts";
import { Recorder } from "../../../layers/testing/index.ts";
import { redisUrl, startRedisServer } from "../../support/redis.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import { until } from "../support/until.ts";

/** A client that does not use this package. */
let raw: Redis;
before(() => {
  raw = new Redis(redisUrl());
});
after(() => raw.quit());

describe("RedisStreamsLayer on the wire", () => {
  let prefix: string;
  let layers: RedisStreamsLayer[];
  beforeEach(() => {
    prefix = `wire-${randomBytes(6).toString("hex")}`;
    layers = [];
  });
  afterEach(() => Promise.all(layers.map((layer) => layer.close())));

  function startLayer(options: Partial<RedisStreamsLayerOptions> = {}): RedisStreamsLayer {
    const layer = new RedisStreamsLayer({ url: redisUrl(), prefix, ...options });
    layers.push(layer);
    return layer;
  }

  const keyOf = (part: string) => `{${prefix}__group__room}:${part}`;

  async function join(layer: RedisStreamsLayer, ...groups: string[]): Promise<Recorder> {
    const inbox = new Recorder();
    const channel = await layer.newChannel(inbox);
    await Promise.all(groups.map((group) => layer.groupAdd(group, channel)));
    return inbox;
  }

  it("keeps a stream for `expiryMs` after the last message, and its head a week longer", async () => {
    await startLayer({ expiryMs: 20_000 }).groupSend("room", { type: "x" });
    expect(await raw.pttl(keyOf("stream"))).to.be.within(15_000, 20_000);
    expect(await raw.pttl(keyOf("head"))).to.be.within(7 * 86_400_000 + 15_000, 7 * 86_400_000 + 20_000);
  });

  it("applies the expiry of each group to its stream, and keeps its head a week longer", async () => {
    const capacity = [["room", 3]] as const;
    const expiryMs = [
      ["room", 20_000],
      ["*", 600_000],
    ] as const;
    const layer = startLayer({ capacity, expiryMs });
    const [week, seconds] = [7 * 86_400_000, 1_000];
    for (const [group, length, ms] of [
      ["room", 3, 20_000],
      ["other", 4, 600_000],
      ["room", 3, 20_000],
    ] as const) {
      const key = (part: string) => `{${prefix}__group__${group}}:${part}`;
      await Promise.all([1, 2, 3, 4].map(() => layer.groupSend(group, { type: "x" })));
      expect(await raw.xlen(key("stream")), group).to.equal(length);
      expect(await raw.pttl(key("stream")), group).to.be.within(ms - 5 * seconds, ms);
      expect(await raw.pttl(key("head")), group).to.be.within(week + ms - 5 * seconds, week + ms);
    }
  });

  it("keeps the messages of one sender in order when a limit is used for the first time", async () => {
    const layer = startLayer({ capacity: [["room", 1_000]] });
    const inbox = await join(layer, "room");
    const numbers = Array.from({ length: 20 }, (_, index) => index);
    const sends: Promise<void>[] = [];
    for (const number of numbers) {
      sends.push(layer.groupSend("room", { type: "x", number }));
      // Each message is sent in a separate call, without waiting for the reply to the last call.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(sends);
    await inbox.until(() => inbox.mails.length === 20);
    expect(inbox.messages.map(({ number }) => number)).to.deep.equal(numbers);
  });

  it("contains in a history all messages that the node has sent before, even if it has not awaited them", async () => {
    const layer = startLayer();
    await layer.ready();
    const sends = [1, 2, 3].map((number) => layer.groupSend("room", { type: "x", number }));
    const { entries } = await layer.history("room");
    expect(entries.map(({ message }) => message.number)).to.deep.equal([1, 2, 3]);
    await Promise.all(sends);
  });

  it("keeps the messages of one sender in order while the server forgets its scripts", async () => {
    const [layer, other] = [startLayer(), startLayer()];
    const inbox = await join(startLayer(), "room", "other");
    const numbers = Array.from({ length: 400 }, (_, number) => number);
    const sends: Promise<unknown>[] = [];
    for (const number of numbers) {
      // Another sender loads the script again, between two commands of this node.
      if (number % 10 === 0) sends.push(raw.script("FLUSH"), other.groupSend("other", { type: "x", number }));
      sends.push(layer.groupSend("room", { type: "x", number }));
      if (number % 3 > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(sends);
    await layer.groupSend("room", { type: "end" });
    await inbox.next("end");
    const inRoom = inbox.mails.filter(({ delivery }) => delivery.group === "room");
    expect(inRoom.map(({ message }) => message.number).slice(0, -1)).to.deep.equal(numbers);
  });

  it("keeps the head of an empty group for an hour, and as long as the group has members", async () => {
    await join(startLayer({ tailCheckMs: 20 }), "room");
    expect(await raw.pttl(keyOf("head"))).to.be.within(3_500_000, 3_600_000);
    await raw.pexpire(keyOf("head"), 1_700_000);
    await until(async () => (await raw.pttl(keyOf("head"))) > 3_500_000);
  });

  it("keeps the head of an idle group as long as the group has members", async () => {
    const layer = startLayer({ tailCheckMs: 20 });
    await join(layer, "room");
    await layer.groupSend("room", { type: "x" });
    await raw.pexpire(keyOf("head"), 3 * 86_400_000);
    await until(async () => (await raw.pttl(keyOf("head"))) > 6 * 86_400_000);
  });

  it("keeps as many entries as its capacity", async () => {
    const layer = startLayer({ capacity: 3 });
    await Promise.all(Array.from({ length: 10 }, () => layer.groupSend("room", { type: "x" })));
    expect(await raw.xlen(keyOf("stream"))).to.equal(3);
  });

  it("continues the epoch after the stream has expired", async () => {
    const layer = startLayer();
    const inbox = await join(layer, "room");
    await layer.groupSend("room", { type: "before" });
    await inbox.next("before");
    await raw.del(keyOf("stream"));
    await layer.groupSend("room", { type: "after" });
    await inbox.next("after");
    const [before, after] = inbox.mails.map(({ delivery }) => delivery);
    expect(after).to.deep.equal({ ...before, offset: 2 });
    expect(inbox.gaps).to.deep.equal([]);
  });

  it("starts a new epoch and deletes the old entries if a stream is ahead of its head", async () => {
    const layer = startLayer();
    await Promise.all([1, 2, 3].map(() => layer.groupSend("room", { type: "x" })));
    const [old] = String(await raw.get(keyOf("head")))
      .split(" ")
      .slice(1);
    await raw.set(keyOf("head"), `1-1 ${old}`);
    await layer.groupSend("room", { type: "y" });
    const { entries, position } = await layer.history("room");
    expect(entries.map(({ message }) => message.type)).to.deep.equal(["y"]);
    expect(position?.offset).to.equal(1);
    expect(position?.epoch).not.to.equal(old);
  });

  it("publishes the messages of one turn to a group in one call, even beyond the capacity", async () => {
    const [sender, receiver] = [startLayer({ capacity: 30 }), startLayer()];
    const inbox = await join(receiver, "room");
    const calls = async () => {
      const stats = await raw.info("commandstats");
      return Number(/cmdstat_eval:calls=(\d+)/.exec(stats)?.[1]);
    };
    await sender.groupSend("room", { type: "first" });
    const before = await calls();
    const numbers = Array.from({ length: 80 }, (_, index) => index + 1);
    await Promise.all(numbers.map((number) => sender.groupSend("room", { type: "x", number })));
    expect((await calls()) - before).to.equal(1);
    await sender.groupSend("room", { type: "end" });
    await inbox.next("end");
    expect(inbox.messages.flatMap(({ number }) => number ?? [])).to.deep.equal(numbers);
    const offsets = inbox.mails.map(({ delivery }) => delivery.offset);
    expect(offsets).to.deep.equal(Array.from({ length: 82 }, (_, index) => index + 1));
    const { entries } = await sender.history("room");
    expect(entries.map(({ delivery }) => delivery.offset)).to.deep.equal(offsets.slice(-30));
    expect(inbox.gaps).to.deep.equal([]);
  });

  it("starts a new epoch with all messages of one turn", async () => {
    const layer = startLayer();
    await layer.groupSend("room", { type: "x" });
    const [, old] = String(await raw.get(keyOf("head"))).split(" ");
    await raw.xadd(keyOf("stream"), "9-9", "p", "left over");
    await Promise.all([1, 2, 3].map((number) => layer.groupSend("room", { type: "y", number })));
    const { entries, position } = await layer.history("room");
    expect(entries.map(({ message, delivery }) => [message.number, delivery.offset])).to.deep.equal([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(position?.epoch).not.to.equal(old);
  });

  it("rejects a send that a server without memory refuses, and keeps the existing history", async () => {
    const server = await startRedisServer();
    const client = new Redis(server.url);
    const layer = startLayer({ url: server.url });
    await layer.groupSend("room", { type: "kept" });
    await client.config("SET", "maxmemory", "1");
    const error = await layer.groupSend("room", { type: "refused" }).catch((reason: Error) => reason);
    expect(error).to.have.property("code", "ERR_LAYER_UNAVAILABLE");
    expect(error).to.have.property("message").that.includes("OOM");
    await client.config("SET", "maxmemory", "0");
    await layer.groupSend("room", { type: "after" });
    const { entries } = await layer.history("room");
    expect(entries.map(({ message, delivery }) => [message.type, delivery.offset])).to.deep.equal([
      ["kept", 1],
      ["after", 2],
    ]);
    client.disconnect();
    await layer.close();
    await server.stop();
  });

  it("delivers the payload of a plain PUBLISH without a position in the history", async () => {
    const inbox = await join(startLayer(), "room");
    await raw.publish(`{${prefix}__group__room}`, Buffer.from("81a474797065a178", "hex"));
    await inbox.next("x");
    expect(inbox.mails).to.deep.equal([{ message: { type: "x" }, delivery: { group: "room" } }]);
  });

  /** Adds an entry without publishing it. */
  async function addUntold(): Promise<void> {
    const [id, epoch] = String(await raw.get(keyOf("head"))).split(" ");
    const lost = `2-${Number(id?.split("-")[1]) + 1}`;
    await raw.xadd(keyOf("stream"), lost, "p", Buffer.from("81a474797065a46c6f7374", "hex"));
    await raw.set(keyOf("head"), `${lost} ${epoch}`);
  }

  /** Kills the layers' connections with one role. */
  async function kill(role: string): Promise<void> {
    const list = String(await raw.client("LIST"));
    const ids = list.matchAll(new RegExp(`^id=(\\d+) .* name=greenroom-${role} `, "gm"));
    for (const [, id = ""] of ids) await raw.call("CLIENT", "KILL", "ID", id);
  }

  for (const [when, options, look] of [
    [
      "within the interval",
      { tailCheckMs: 10_000 },
      async (clock: SimulatedClock) => clock.increment(12_500),
    ],
    ["after the publishing connection has reconnected", {}, () => kill("publisher")],
  ] as const) {
    it(`finds a lost publication by the stream's head, ${when}`, async () => {
      const clock = new SimulatedClock();
      const layer = startLayer({ clock, onError() {}, ...options });
      const inbox = await join(layer, "room", "quiet");
      await layer.groupSend("room", { type: "told" });
      await inbox.next("told");
      await addUntold();
      await look(clock);
      // The missing entry may still be on its way, so the layer checks again after a pause.
      await until(() => {
        clock.increment(10);
        return inbox.types.includes("lost");
      });
      expect(inbox.mails.map(({ delivery }) => delivery.offset)).to.deep.equal([1, 2]);
      expect(inbox.gaps).to.deep.equal([]);
    });
  }

  it("checks the heads of all groups with one command per thousand", async () => {
    const commands = async () => {
      const stats = await raw.info("commandstats");
      return Number(/cmdstat_mget:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    };
    const before = await commands();
    await join(startLayer(), ...Array.from({ length: 1_000 }, (_, index) => `room-${index}`));
    expect((await commands()) - before).to.equal(1);
  });

  it("is unhealthy while the connections of its queues are down, if they are in use", async () => {
    for (const role of ["queues", "queue-reader"]) {
      const layer = startLayer({ onError() {} });
      const consumption = await layer.consume("jobs", () => {});
      expect(layer.health).to.deep.equal({ ok: true });
      await kill(role);
      await until(() => !layer.health.ok);
      expect(layer.health.reason).to.include(`(${role})`);
      await until(() => layer.health.ok);
      await consumption.close();
      expect(layer.health).to.deep.equal({ ok: true });
      await layer.close();
    }
  });

  it("takes one round trip for all joins of one turn, to new and to existing groups", async () => {
    const server = await startRedisServer();
    const proxy = await startTcpProxy(server.port);
    const layer = startLayer({ url: `redis://127.0.0.1:${proxy.port}` });
    const channel = await layer.newChannel(new Recorder());
    // From now on the server knows the scripts.
    await layer.groupAdd("first", channel);
    await layer.groupSend("old", { type: "x" });
    const held = proxy.hold();
    const joins = ["old", "new", "newer"].map((group) => layer.groupAdd(group, channel));
    const asked = (command: string) => held.said.toLowerCase().split(`\r\n${command}\r\n`).length - 1;
    // No reply arrives, so the commands that are received now were sent without waiting for a reply.
    await until(() => asked("subscribe") > 0 && asked("evalsha") > 0);
    const { said } = held;
    held.release();
    await Promise.all(joins);
    expect([asked("subscribe"), asked("evalsha")]).to.deep.equal([1, 1]);
    expect(held.said).to.equal(said);
    await layer.close();
    await proxy.close();
    await server.stop();
  });

  it("names a key that is not the head of a stream, and lets other groups be joined", async () => {
    await raw.rpush(keyOf("head"), "a list");
    const layer = startLayer();
    const channel = await layer.newChannel(new Recorder());
    const joins = await Promise.allSettled(["room", "other"].map((group) => layer.groupAdd(group, channel)));
    expect(joins.map(({ status }) => status)).to.deep.equal(["rejected", "fulfilled"]);
    expect(joins[0])
      .to.have.nested.property("reason.message")
      .that.includes(`"${keyOf("head")}"`);
    await raw.del(keyOf("head"));
    await layer.groupAdd("room", channel);
  });
});
