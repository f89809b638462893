import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { Redis } from "ioredis";
import { InvalidNameError } from "../../../layers/errors.ts";
import { RedisPubSubLayer } from "../../../layers/redis/index.ts";
import { Recorder } from "../../../layers/testing/index.ts";
import { redisUrl } from "../../support/redis.ts";

/** A client that does not use this package. */
let raw: Redis;
before(() => {
  raw = new Redis(redisUrl());
});
after(() => raw.quit());

describe("RedisPubSubLayer on the wire", () => {
  let prefix: string;
  let layers: RedisPubSubLayer[];
  beforeEach(() => {
    prefix = `wire-${randomBytes(6).toString("hex")}`;
    layers = [];
  });
  afterEach(() => Promise.all(layers.map((layer) => layer.close())));

  function startLayer(): RedisPubSubLayer {
    const layer = new RedisPubSubLayer({ url: redisUrl(), prefix });
    layers.push(layer);
    return layer;
  }

  /** The topics of this spec that are subscribed at the server, each with the number of its subscribers. */
  async function topics(): Promise<Record<string, unknown>> {
    const all = (await raw.pubsub("CHANNELS", `${prefix}*`)) as string[];
    const names = all.filter((name) => !/__probe__|__\{kind\}__/.test(name));
    const counts = names.length === 0 ? [] : await raw.pubsub("NUMSUB", ...names);
    return Object.fromEntries(names.map((name) => [name, counts[counts.indexOf(name) + 1]]));
  }

  /** The number of times that the server has run a command. */
  async function calls(command: string): Promise<number> {
    const stats = await raw.info("commandstats");
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  }

  const join = async (layer: RedisPubSubLayer, group: string, inbox = new Recorder()) => {
    const channel = await layer.newChannel(inbox);
    await layer.groupAdd(group, channel);
    return channel;
  };

  it("subscribes a group once per node, and only while the node has members of it", async () => {
    const [one, other] = [startLayer(), startLayer()];
    const group = `${prefix}__group__room`;
    const channels = await Promise.all([1, 2, 3].map(() => join(one, "room")));
    expect(await topics()).to.include({ [group]: 1 });
    const far = await join(other, "room");
    expect(await topics()).to.include({ [group]: 2 });
    await other.deleteChannel(far);
    expect(await topics()).to.include({ [group]: 1 });
    for (const channel of channels) {
      expect(await topics()).to.include({ [group]: 1 });
      await one.groupDiscard("room", channel);
    }
    expect(await topics()).not.to.have.property(group);
  });

  it("subscribes one topic for all channels of a node, and none before the first", async () => {
    const layer = startLayer();
    await layer.ready();
    await layer.groupSend("room", { type: "x" });
    expect(await topics()).to.deep.equal({});
    await Promise.all([1, 2, 3].map(() => layer.newChannel(new Recorder())));
    expect(await topics()).to.deep.equal({ [`${prefix}__node__${layer.node}`]: 1 });
    await layer.close();
    expect(await topics()).to.deep.equal({});
  });

  it("unsubscribes all groups of a flushed node in one command, and can subscribe them again", async () => {
    const layer = startLayer();
    const channels = await Promise.all([1, 2, 3].map(() => layer.newChannel(new Recorder())));
    const groups = Array.from({ length: 50 }, (_, index) => `room-${index}`);
    await Promise.all(channels.flatMap((channel) => groups.map((group) => layer.groupAdd(group, channel))));
    expect(Object.keys(await topics())).to.have.length(51);
    const before = await calls("unsubscribe");
    await layer.flush();
    expect(await topics()).to.deep.equal({ [`${prefix}__node__${layer.node}`]: 1 });
    expect((await calls("unsubscribe")) - before).to.equal(1);
    await join(layer, "room-1");
    expect(Object.keys(await topics())).to.have.length(2);
  });

  it("sends the joins of one turn in one command, and the leaves as well", async () => {
    const layer = startLayer();
    const channel = await layer.newChannel(new Recorder());
    const groups = Array.from({ length: 500 }, (_, index) => `room-${index}`);
    const before = await Promise.all(["subscribe", "unsubscribe"].map(calls));
    await Promise.all(groups.map((group) => layer.groupAdd(group, channel)));
    expect(Object.keys(await topics())).to.have.length(501);
    await layer.deleteChannel(channel);
    expect(Object.keys(await topics())).to.have.length(1);
    const after = await Promise.all(["subscribe", "unsubscribe"].map(calls));
    expect(after.map((count, index) => count - (before[index] ?? 0))).to.deep.equal([1, 1]);
  });

  it("writes all sends of one turn together", async () => {
    const layer = startLayer();
    await layer.ready();
    const reads = async () => {
      const stats = await raw.info("stats");
      return Number(/total_reads_processed:(\d+)/.exec(stats)?.[1]);
    };
    const before = await reads();
    await Promise.all(Array.from({ length: 100 }, () => layer.groupSend("room", { type: "x" })));
    // Ideally one read for the hundred sends, and one for each of the two INFO commands.
    expect((await reads()) - before).to.be.below(10);
  });

  it("publishes plain msgpack maps on the group's topic, as a Django process expects", async () => {
    const python = raw.duplicate();
    const received = new Promise((resolve) => {
      python.on("messageBuffer", (topic, payload) => resolve([topic.toString(), payload.toString("hex")]));
    });
    await python.subscribe(`${prefix}__group__room`);
    await startLayer().groupSend("room", { type: "room.message", message: "hi" });
    expect(await received).to.deep.equal([
      `${prefix}__group__room`,
      "82a474797065ac726f6f6d2e6d657373616765a76d657373616765a26869",
    ]);
    await python.quit();
  });

  it("reads the messages of a Django process", async () => {
    const inbox = new Recorder();
    await join(startLayer(), "room", inbox);
    const payload = "82a474797065ac726f6f6d2e6d657373616765a76d657373616765a26869";
    await raw.publish(`${prefix}__group__room`, Buffer.from(payload, "hex"));
    expect(await inbox.next("room.message")).to.deep.equal({ type: "room.message", message: "hi" });
  });

  it("names the purpose of each connection in CLIENT LIST", async () => {
    await startLayer().ready();
    const clients = String(await raw.client("LIST"));
    expect(clients).to.include("name=greenroom-publisher").and.to.include("name=greenroom-subscriber");
  });

  it("has no work queues, and names the layers that have", async () => {
    const layer = startLayer();
    const calls = [layer.send("jobs", { type: "x" }), layer.consume("jobs", () => {})];
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).to.have.nested.property("reason.code", "ERR_UNSUPPORTED");
      expect(outcome).to.have.nested.property("reason.message").that.includes("RedisStreamsLayer");
    }
    expect(layer.counters().dropped).to.deep.equal({});
  });

  it("requires a prefix", () => {
    const options = { url: redisUrl() } as { url: string; prefix: string };
    expect(() => new RedisPubSubLayer(options)).to.throw(InvalidNameError, "A prefix is");
  });
});
