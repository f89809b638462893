import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { Redis } from "ioredis";
import type { ChannelLayer } from "../../../../layers/channel-layer.ts";
import { senderKeys, sendersInHash } from "../../../../layers/redis/jobs/queue-scripts.ts";
import { redisUrl } from "../../../support/redis.ts";
import { queueLayer } from "../support/queue-layer.ts";

describe("The numbers of senders on Redis", () => {
  let raw: Redis;
  let layer: ChannelLayer;
  let keys: readonly [string, string];
  beforeEach(() => {
    const prefix = `once-${randomBytes(6).toString("hex")}`;
    raw = new Redis(redisUrl());
    layer = queueLayer({ url: redisUrl(), prefix, queueCapacity: 10_000 });
    keys = senderKeys(`{${prefix}__queue__jobs}`);
  });
  afterEach(async () => {
    await layer.deleteQueue("jobs");
    await raw.del(...keys);
    await layer.close();
    await raw.quit();
  });

  const send = (sender: string, number: number) =>
    layer.send("jobs", { type: "job" }, { once: { sender, number } });
  const sizes = () => Promise.all(keys.map((key) => raw.hlen(key)));

  it("fill two hashes at most, which remember the last 1,000 senders and expire", async () => {
    await send("first", 5);
    await send("gone", 5);
    const others = Array.from({ length: 2 * sendersInHash - 2 }, (_, index) => `sender ${index}`);
    await Promise.all(others.slice(0, sendersInHash - 2).map((sender) => send(sender, 1)));
    expect(await sizes()).to.deep.equal([sendersInHash, 0]);
    await Promise.all(others.slice(sendersInHash - 2, -2).map((sender) => send(sender, 1)));
    await send("first", 5); // in the hash before
    await send("first", 6);
    expect(await sizes()).to.deep.equal([sendersInHash - 1, sendersInHash]);
    await send("last", 1);
    await send("one more", 1);
    expect(await sizes()).to.deep.equal([1, sendersInHash]);
    const jobs = await layer.queueSize("jobs");
    for (const sender of ["first", "last", "one more", others.at(-3) ?? ""]) await send(sender, 1);
    expect(await layer.queueSize("jobs")).to.equal(jobs);
    await send("gone", 5);
    expect(await layer.queueSize("jobs")).to.equal(jobs + 1);
    for (const key of keys) expect(await raw.pttl(key)).to.be.within(6 * 86_400_000, 7 * 86_400_000);
  });

  it("are compared as numbers", async () => {
    for (const number of [9, 10, 2 ** 53 - 2, 2 ** 53 - 1, 2 ** 53 - 1, 11]) await send("a", number);
    expect(await layer.queueSize("jobs")).to.equal(4);
  });
});
