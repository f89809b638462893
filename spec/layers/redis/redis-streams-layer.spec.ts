import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { Redis } from "ioredis";
import { SimulatedClock } from "xstate";
import { RedisStreamsLayer, type RedisStreamsLayerOptions } from "../../../layers/redis/index.ts";
import { Recorder } from "../../../layers/testing/index.ts";
import { redisUrl } from "../../support/redis.ts";
import { until } from "../support/until.ts";

/** A client that knows nothing of this package. */
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

  it("keeps as many entries as its capacity says", async () => {
    const layer = startLayer({ capacity: 3 });
    await Promise.all(Array.from({ length: 10 }, () => layer.groupSend("room", { type: "x" })));
    expect(await raw.xlen(keyOf("stream"))).to.equal(3);
  });

  it("goes on in the same epoch after the stream has expired", async () => {
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

  it("begins a new epoch where a stream is ahead of its head, and none of the old is left", async () => {
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

  it("delivers what a plain PUBLISH says, without a place in the history", async () => {
    const inbox = await join(startLayer(), "room");
    await raw.publish(`{${prefix}__group__room}`, Buffer.from("81a474797065a178", "hex"));
    await inbox.next("x");
    expect(inbox.mails).to.deep.equal([{ message: { type: "x" }, delivery: { group: "room" } }]);
  });

  /** Adds an entry whose publication nobody hears. */
  async function addUntold(): Promise<void> {
    const [id, epoch] = String(await raw.get(keyOf("head"))).split(" ");
    const lost = `2-${Number(id?.split("-")[1]) + 1}`;
    await raw.xadd(keyOf("stream"), lost, "p", Buffer.from("81a474797065a46c6f7374", "hex"));
    await raw.set(keyOf("head"), `${lost} ${epoch}`);
  }

  /** Ends this package's connections of one kind. */
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
    ["when the connection that publishes was made anew", {}, () => kill("publisher")],
  ] as const) {
    it(`finds by the stream's head what was never told, ${when}`, async () => {
      const clock = new SimulatedClock();
      const layer = startLayer({ clock, onError() {}, ...options });
      const inbox = await join(layer, "room", "quiet");
      await layer.groupSend("room", { type: "told" });
      await inbox.next("told");
      await addUntold();
      await look(clock);
      await inbox.next("lost");
      expect(inbox.mails.map(({ delivery }) => delivery.offset)).to.deep.equal([1, 2]);
      expect(inbox.gaps).to.deep.equal([]);
    });
  }

  it("looks at the heads of all groups with one command for a thousand", async () => {
    const commands = async () => {
      const stats = await raw.info("commandstats");
      return Number(/cmdstat_mget:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    };
    const before = await commands();
    await join(startLayer(), ...Array.from({ length: 1_000 }, (_, index) => `room-${index}`));
    expect((await commands()) - before).to.equal(1);
  });

  it("says in its health that the connections of its queues are down, while they are in use", async () => {
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

  it("refuses numbers that are none", () => {
    for (const option of ["capacity", "expiryMs", "tailCheckMs"]) {
      for (const value of [0, -1, 1.5, Number.NaN]) {
        expect(() => startLayer({ [option]: value })).to.throw(RangeError, option);
      }
    }
  });
});
