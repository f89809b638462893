import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { expect } from "chai";
import { Cluster, Redis } from "ioredis";
import { resolveServer } from "../../../../layers/redis/connection/server-address.ts";
import {
  type RedisFactory,
  RedisPubSubLayer,
  type RedisPubSubLayerOptions,
} from "../../../../layers/redis/index.ts";
import { Recorder } from "../../../../layers/testing/index.ts";
import { redisUrl } from "../../../support/redis.ts";

/** A factory that returns the same connection each time. */
function sameAgain(): RedisFactory {
  let redis: Redis | undefined;
  return (options) => {
    redis ??= new Redis(redisUrl(), options);
    return redis;
  };
}

describe("resolveServer", () => {
  it("requires exactly one target", () => {
    for (const target of [{}, { url: "redis://x", sentinels: [], name: "x" }]) {
      expect(() => resolveServer(target as { url: string })).to.throw(
        TypeError,
        "Set exactly one of url, sentinels, client",
      );
    }
  });

  it("requires an address of each Sentinel and a name of the master", () => {
    const nodes = ["x:1", { host: "x" }, { host: "x", port: "1" }, { host: "", port: 1 }, undefined];
    for (const target of [
      { sentinels: [] },
      { sentinels: [{ host: "x", port: 1 }], name: "" },
      ...nodes.map((node) => ({ sentinels: [node], name: "main" })),
    ]) {
      expect(() => resolveServer(target as never)).to.throw(
        TypeError,
        "`sentinels` and `name` must look like",
      );
    }
  });

  it("requires a client that can be duplicated", () => {
    expect(() => resolveServer({ client: {} as Redis })).to.throw(TypeError, "ioredis' Redis");
  });

  it("names the option for a Redis Cluster if the client is a Cluster", () => {
    const client = new Cluster([{ host: "x", port: 1 }], { lazyConnect: true }) as unknown as Redis;
    expect(() => resolveServer({ client })).to.throw(TypeError, "{ cluster: [");
  });

  it("passes on passwords and TLS for Sentinels, but no options that affect delivery", () => {
    const redis = { password: "x", sentinelPassword: "y", enableOfflineQueue: true, role: "slave" };
    const { address, options } = resolveServer({ sentinels: [{ host: "x", port: 1 }], name: "main", redis });
    expect(address).to.equal("main (by Sentinels x:1)");
    expect(options).to.include({
      password: "x",
      sentinelPassword: "y",
      enableOfflineQueue: false,
      role: "master",
    });
  });

  it("names the server of a client", () => {
    const client = new Redis({ host: "x", port: 1, password: "secret", lazyConnect: true });
    expect(resolveServer({ client }).address).to.equal("x:1");
  });
});

describe("RedisPubSubLayer with the user's own ioredis client", () => {
  let own: Redis;
  let prefix: string;
  beforeEach(() => {
    own = new Redis(redisUrl());
    prefix = `own-${randomBytes(6).toString("hex")}`;
  });
  afterEach(() => own.disconnect());

  async function carries(options: RedisPubSubLayerOptions): Promise<void> {
    const layer = new RedisPubSubLayer(options);
    const other = new RedisPubSubLayer({ url: redisUrl(), prefix });
    const inbox = new Recorder();
    await layer.groupAdd("room", await layer.newChannel(inbox));
    await other.groupSend("room", { type: "in" });
    await layer.groupSend("room", { type: "out" });
    await Promise.all([inbox.next("in"), inbox.next("out")]);
    await Promise.all([layer.close(), other.close()]);
  }

  it("uses the client as a template, and leaves it open and unchanged", async () => {
    await carries({ client: own, prefix });
    expect([own.status, own.mode]).to.deep.equal(["ready", "normal"]);
    await own.set(prefix, "still works", "EX", 60);
    expect(await own.get(prefix)).to.equal("still works");
  });

  it("leaves an unconnected client unconnected", async () => {
    const lazy = new Redis(redisUrl(), { lazyConnect: true });
    await carries({ client: lazy, prefix });
    expect(lazy.status).to.equal("wait");
  });

  it("accepts a function that creates clients, and closes those", async () => {
    const made: Redis[] = [];
    const client: RedisFactory = (options) => {
      const redis = new Redis(redisUrl(), options);
      made.push(redis);
      return redis;
    };
    await carries({ client, prefix });
    expect(made).to.have.length(2);
    for (const redis of made) if (redis.status !== "end") await once(redis, "end");
  });

  for (const [how, fault, make] of [
    ["a promise", "a promise", async (options) => new Redis(redisUrl(), options)],
    ["a promise that rejects", "a promise", () => Promise.reject(new Error("no"))],
    ["nothing", "undefined", () => undefined],
    ["null", "null", () => null],
    ["a Cluster", "{ cluster: [", () => new Cluster([{ host: "x", port: 1 }], { lazyConnect: true })],
    ["a client that connects already", "lazyConnect", () => new Redis(redisUrl())],
    ["a client that is connected", "ready", () => own],
    ["the same client for the second time", "second time", sameAgain()],
    ["a client with other options", "keyPrefix", (options) => new Redis({ ...options, keyPrefix: "mine:" })],
  ] as [string, string, (options: object) => unknown][]) {
    it(`rejects when it is opened if a function returns ${how}, and says what to return`, async () => {
      if (own.status !== "ready") await once(own, "ready");
      const layer = new RedisPubSubLayer({ client: make as RedisFactory, prefix });
      const unhandled: unknown[] = [];
      const hear = (reason: unknown) => unhandled.push(reason);
      process.on("unhandledRejection", hear);
      const error = await layer.ready().catch((reason: Error) => reason);
      await new Promise((resolve) => setImmediate(resolve));
      process.off("unhandledRejection", hear);
      expect(unhandled).to.deep.equal([]);
      expect(error).to.be.instanceOf(TypeError);
      expect(error)
        .to.have.property("message")
        .that.includes("client(options) must return")
        .and.includes(fault);
      await layer.close();
      expect(own.status).to.equal("ready");
    });
  }

  it("disconnects a client of a function that connects already", async () => {
    const made: Redis[] = [];
    const client = () => {
      const redis = new Redis(redisUrl());
      made.push(redis);
      return redis;
    };
    const layer = new RedisPubSubLayer({ client, prefix });
    await layer.ready().catch(() => {});
    expect(made).to.have.length(2);
    for (const redis of made) if (redis.status !== "end") await once(redis, "end");
    await layer.close();
  });
});
