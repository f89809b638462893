import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { Redis } from "ioredis";
import { InvalidOptionError } from "../../../../layers/errors.ts";
import { RedisStreamsLayer, type RedisStreamsLayerOptions } from "../../../../layers/redis/index.ts";
import { HeadExpiry } from "../../../../layers/redis/streams/head-expiry.ts";
import { Recorder } from "../../../../layers/testing/index.ts";
import { redisUrl } from "../../../support/redis.ts";
import { until } from "../../support/until.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

describe("The expiry of heads", () => {
  let raw: Redis;
  let prefix: string;
  let layers: RedisStreamsLayer[];
  before(() => {
    raw = new Redis(redisUrl());
  });
  after(() => raw.quit());
  beforeEach(() => {
    prefix = `head-${randomBytes(6).toString("hex")}`;
    layers = [];
  });
  afterEach(() => Promise.all(layers.map((layer) => layer.close())));

  function startLayer(options: Partial<RedisStreamsLayerOptions> = {}): RedisStreamsLayer {
    const layer = new RedisStreamsLayer({ url: redisUrl(), prefix, ...options });
    layers.push(layer);
    return layer;
  }

  const keyOf = (group: string, part = "head") => `{${prefix}__group__${group}}:${part}`;

  const left = (group: string) => raw.pttl(keyOf(group));

  it("is that of the group's name, after the expiry of the history", async () => {
    const layer = startLayer({ expiryMs: 10_000, headExpiryMs: [["once_*", 120_000]] });
    for (const group of ["once_1", "room"]) await layer.groupSend(group, { type: "x" });
    expect(await left("once_1")).to.be.within(125_000, 130_000);
    expect(await left("room")).to.be.within(7 * dayMs + 5_000, 7 * dayMs + 10_000);
  });

  it("is renewed as long as the group has members, with and without messages", async () => {
    const options = {
      tailCheckMs: 20,
      headExpiryMs: [
        ["once_*", 300_000],
        ["day_*", dayMs],
      ] as const,
    };
    const layer = startLayer(options);
    const channel = await layer.newChannel(new Recorder());
    for (const group of ["once_1", "once_2", "day_1", "day_2", "room"]) await layer.groupAdd(group, channel);
    for (const group of ["once_2", "day_2"]) await layer.groupSend(group, { type: "x" });
    const expiries = { once_1: 300_000, once_2: 300_000, day_1: hourMs, day_2: dayMs, room: hourMs };
    for (const [group, ms] of Object.entries(expiries)) {
      await raw.pexpire(keyOf(group), ms / 2 - 10_000);
      await until(async () => (await left(group)) > ms / 2);
      expect(await left(group), group).to.be.within(ms - 60_000, ms);
    }
  });

  it("begins a new epoch after it has passed, so a client's position is not continued in silence", async () => {
    const layer = startLayer({ headExpiryMs: 120_000 });
    await layer.groupSend("room", { type: "before" });
    const { position } = await layer.history("room");
    // The history has expired, but not the head.
    await raw.del(keyOf("room", "stream"));
    expect(await layer.history("room", { since: position as never })).to.include({ complete: true });
    await raw.del(keyOf("room"));
    expect(await layer.history("room", { since: position as never })).to.include({ complete: false });
    await layer.groupSend("room", { type: "after" });
    const later = await layer.history("room", { since: position as never });
    expect(later.entries.map(({ message }) => message.type)).to.deep.equal(["after"]);
    expect(later.complete).to.equal(false);
    expect(later.position?.epoch).not.to.equal(position?.epoch);
  });

  it("is at least as long as four checks, so that a head with members never expires between two checks", () => {
    expect(() => startLayer({ headExpiryMs: 119_999 })).to.throw(
      InvalidOptionError,
      "`headExpiryMs` must be an integer of at least 120000, not 119999.",
    );
    expect(() => startLayer({ headExpiryMs: [["a*", 79]], tailCheckMs: 20 })).to.throw(
      InvalidOptionError,
      "`headExpiryMs[0][1]` must be an integer of at least 80, not 79.",
    );
    startLayer({ headExpiryMs: 80, tailCheckMs: 20 });
    const rare = new HeadExpiry(undefined, 3 * dayMs);
    expect(rare.of("room")).to.equal(12 * dayMs);
    expect(rare.first(rare.of("room"))).to.equal(12 * dayMs);
    const usual = new HeadExpiry(120_000, 30_000);
    expect([usual.of("room"), usual.first(usual.of("room")), usual.first(dayMs)]).to.deep.equal([
      120_000,
      120_000,
      hourMs,
    ]);
  });
});
