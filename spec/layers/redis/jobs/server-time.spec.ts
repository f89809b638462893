import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { Redis } from "ioredis";
import type { ChannelLayer } from "../../../../layers/channel-layer.ts";
import { JobExpiredError, LayerUnavailableError } from "../../../../layers/errors.ts";
import type { ConsumeOptions } from "../../../../layers/index.ts";
import { Worker } from "../../../../layers/testing/index.ts";
import { type RedisServer, redisUrl, startRedisServer } from "../../../support/redis.ts";
import { until } from "../../support/until.ts";
import { queueLayer } from "../support/queue-layer.ts";

const { now } = Date;

describe("The age of a job on Redis", () => {
  let raw: Redis;
  let prefix: string;
  let layers: ChannelLayer[];
  before(() => {
    raw = new Redis(redisUrl());
  });
  after(() => raw.quit());
  beforeEach(() => {
    prefix = `queues-${randomBytes(6).toString("hex")}`;
    layers = [];
  });
  afterEach(async () => {
    Date.now = now;
    await Promise.all(layers.map((layer) => layer.close()));
  });

  function startLayer(queueExpiryMs: number, url = redisUrl()): ChannelLayer {
    const layer = queueLayer({ url, prefix, queueExpiryMs, onError() {} });
    layers.push(layer);
    return layer;
  }

  const send = (layer: ChannelLayer, number: number) => layer.send("jobs", { type: "job", number });

  it("does not depend on the clock of the worker, which may be two hours ahead", async () => {
    const layer = startLayer(3_600_000);
    Date.now = () => now() + 7_200_000;
    const worker = new Worker();
    await send(layer, 1);
    await layer.consume("jobs", worker.handle);
    await worker.hasBegun(1);
    await send(layer, 2);
    await worker.hasBegun(2);
    expect(layer.counters().dropped).to.deep.equal({});
  });

  it("does not depend on the clock of the worker, which may be two hours behind", async () => {
    const layer = startLayer(1);
    Date.now = () => now() - 7_200_000;
    await send(layer, 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const expired: unknown[] = [];
    const onExpired: ConsumeOptions["onExpired"] = ({ number }, _, error) =>
      expired.push([number, error instanceof JobExpiredError]);
    await layer.consume("jobs", () => {}, { onExpired });
    await until(() => expired.length === 1);
    expect(expired).to.deep.equal([[1, true]]);
  });

  it("is measured, too, if the job was handed out before, but not begun", async () => {
    const key = `{${prefix}__queue__jobs}`;
    const layer = startLayer(1);
    await send(layer, 1);
    await raw.xgroup("CREATE", key, "workers", "0");
    await raw.xreadgroup("GROUP", "workers", "left", "COUNT", 1, "STREAMS", key, ">");
    const [[id = ""] = []] = (await raw.xpending(key, "workers", "-", "+", 1)) as [string][];
    await raw.xclaim(key, "workers", "returned", 0, id, "RETRYCOUNT", 0, "JUSTID");
    await new Promise((resolve) => setTimeout(resolve, 5));
    const worker = new Worker();
    await layer.consume("jobs", worker.handle);
    await until(() => layer.counters().dropped.expired === 1);
    expect(worker.numbers).to.deep.equal([]);
  });

  describe("for a user that may not run TIME", () => {
    let server: RedisServer;
    let admin: Redis;
    let url: string;
    beforeEach(async () => {
      server = await startRedisServer();
      admin = new Redis(server.url);
      await admin.call("ACL", "SETUSER", "app", "on", ">secret", "~*", "&*", "+@all", "-time");
      url = `redis://app:secret@${server.host}:${server.port}`;
    });
    afterEach(async () => {
      await Promise.all(layers.splice(0).map((layer) => layer.close()));
      await admin.quit();
      await server.stop();
    });

    it("cannot be measured, so consume rejects for a queue with an expiry", async () => {
      const refused = await startLayer(60_000, url)
        .consume("jobs", () => {})
        .catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(LayerUnavailableError);
      expect(String(refused)).to.match(/'time' command/);
    });

    it("is not needed for a queue without an expiry", async () => {
      const layer = queueLayer({ url, prefix });
      layers.push(layer);
      const worker = new Worker();
      await layer.consume("jobs", worker.handle);
      await send(layer, 1);
      await worker.hasBegun(1);
    });

    it("counts as 0 if the permission is lost later, so that no job expires by mistake", async () => {
      await admin.call("ACL", "SETUSER", "app", "+time");
      const layer = startLayer(1, url);
      const worker = new Worker();
      await layer.consume("jobs", worker.handle);
      await admin.call("ACL", "SETUSER", "app", "-time");
      await send(layer, 1);
      await worker.hasBegun(1);
    });
  });
});
