import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { Redis } from "ioredis";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { MemoryBus } from "../../layers/memory/memory-bus.ts";
import { MemoryLayer } from "../../layers/memory/memory-layer.ts";
import type { Position } from "../../layers/message.ts";
import type { ChannelLayerOptions } from "../../layers/options.ts";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../layers/redis/index.ts";
import { Recorder } from "../../layers/testing/index.ts";
import { redisUrl } from "../support/redis.ts";

type Options = Omit<ChannelLayerOptions, "prefix"> & { readonly prefix?: string };

let layers: ChannelLayer[];
let prefix: string;
beforeEach(() => {
  layers = [];
  prefix = `joining-${randomBytes(6).toString("hex")}`;
});
afterEach(() => Promise.all(layers.map((layer) => layer.close())));

function opened<L extends ChannelLayer>(layer: L): L {
  layers.push(layer);
  return layer;
}

const bus = new MemoryBus();
const kinds = {
  MemoryLayer: (options?: Options) =>
    opened(new MemoryLayer({ bus, history: true, ...options, prefix: options?.prefix ?? prefix })),
  RedisStreamsLayer: (options?: Options) =>
    opened(new RedisStreamsLayer({ url: redisUrl(), ...options, prefix: options?.prefix ?? prefix })),
};

for (const [kind, start] of Object.entries(kinds)) {
  describe(`the internal method join of a ${kind}`, () => {
    async function joinAgain(layer: ChannelLayer): Promise<Position | undefined> {
      let position: Position | undefined;
      await layer.join("room", await layer.newChannel(new Recorder()), (after) => {
        position = after;
      });
      return position;
    }

    it("tells the position of the newest message that the new member does not receive", async () => {
      const [layer, other] = [start(), start()];
      await other.groupSend("room", { type: "before" });
      const inbox = new Recorder();
      const channel = await layer.newChannel(inbox);
      let begun: Position | undefined;
      await layer.join("room", channel, (after) => {
        begun = after;
      });
      expect(begun).to.have.property("offset", 1);
      await other.groupSend("room", { type: "after" });
      await inbox.next("after");
      expect(inbox.mails[0]?.delivery).to.deep.equal({ group: "room", ...begun, offset: 2 });
      expect(await joinAgain(layer)).to.deep.equal({ ...begun, offset: 2 });
    });

    it("counts the messages that have reached the node, even if no member has received them", async () => {
      const layer = start();
      const inbox = new Recorder();
      await layer.groupAdd("room", await layer.newChannel(inbox));
      await layer.groupSend("room", { type: "first" });
      await inbox.next("first");
      const sent = layer.groupSend("room", { type: "second" });
      const position = await joinAgain(layer);
      await sent;
      await inbox.next("second");
      const [first, second] = inbox.mails;
      // On the memory layer, a message reaches the node at once.
      const expected = kind === "MemoryLayer" ? second : first;
      expect(expected?.delivery).to.deep.equal({ group: "room", ...position });
    });
  });

  describe(`the secret of a ${kind}`, () => {
    it("is the same for all nodes of a prefix, also for later ones, and another for each prefix", async () => {
      const secrets = await Promise.all([start(), start()].map((layer) => layer.secret()));
      expect(secrets[0]).to.have.length(32);
      expect(secrets[1]).to.deep.equal(secrets[0]);
      expect(await start().secret()).to.deep.equal(secrets[0]);
      expect(await start({ prefix: `${prefix}-other` }).secret()).not.to.deep.equal(secrets[0]);
    });

    it("cannot be computed without the first key of an encrypted layer", async () => {
      const secretOf = (...keys: string[]) => start({ encryption: { keys } }).secret();
      const secret = await secretOf("one", "two");
      expect(secret).to.have.length(32);
      expect(await secretOf("one")).to.deep.equal(secret);
      expect(await secretOf("two", "one")).not.to.deep.equal(secret);
      expect(await start().secret()).not.to.deep.equal(secret);
    });
  });
}

describe("a layer without histories", () => {
  it("knows no position and no secret", async () => {
    const layer = opened(new RedisPubSubLayer({ url: redisUrl(), prefix }));
    let calls = 0;
    await layer.join("room", await layer.newChannel(new Recorder()), (after) => {
      calls += 1;
      expect(after).to.equal(undefined);
    });
    expect([calls, await layer.secret()]).to.deep.equal([1, undefined]);
  });
});

describe("the secret of a RedisStreamsLayer", () => {
  let raw: Redis;
  before(() => {
    raw = new Redis(redisUrl());
  });
  after(() => raw.quit());

  it("is stored under one key without expiry", async () => {
    const secret = await kinds.RedisStreamsLayer().secret();
    expect(await raw.keys(`{${prefix}*`)).to.deep.equal([`{${prefix}__secret}`]);
    expect(await raw.getBuffer(`{${prefix}__secret}`)).to.deep.equal(secret);
    expect(await raw.ttl(`{${prefix}__secret}`)).to.equal(-1);
  });

  it("is refused by the name of its key if another program has taken the key", async () => {
    await raw.set(`{${prefix}__secret}`, "short");
    const error = await kinds
      .RedisStreamsLayer()
      .secret()
      .catch((reason: unknown) => reason);
    expect(String(error)).to.contain(`"{${prefix}__secret}"`);
  });
});
