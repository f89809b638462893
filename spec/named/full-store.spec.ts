import { expect } from "chai";
import { Redis } from "ioredis";
import { LayerSetupError } from "../../layers/errors.ts";
import { NotStoredError } from "../../named/errors.ts";
import { until } from "../layers/support/until.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";
import { startNotes, stopNotes } from "./support/notes.ts";
import { rejectionOf } from "./support/rejection-of.ts";

describe("Named actors on a Redis with little memory", () => {
  let server: RedisServer;
  let redis: Redis;
  beforeEach(async () => {
    server = await startRedisServer();
    redis = new Redis(server.url);
  });
  afterEach(async () => {
    await stopNotes();
    redis.disconnect();
    await server.kill();
  });

  for (const policy of ["allkeys-lru", "allkeys-lfu", "allkeys-random"]) {
    it(`are refused if it may evict every key: ${policy}`, async () => {
      await redis.config("SET", "maxmemory-policy", policy);
      const { notes, ready } = startNotes({ url: server.url });
      expect(await rejectionOf(ready())).to.be.instanceOf(LayerSetupError);
      const error = await rejectionOf(notes.get("a").send({ type: "note", text: "lost" }));
      expect(error).to.be.instanceOf(LayerSetupError);
      expect(error?.message).to.include(policy);
      expect(await redis.keys("*__named:*")).to.deep.equal([]);
    });
  }

  it("take no messages while it is full, and commit those that they have", async () => {
    const { notes } = startNotes({ url: server.url });
    const actor = notes.get("a");
    await actor.ask({ type: "note", text: "first" });
    const fillDuringDelay = async () => {
      await redis.config("SET", "maxmemory", "0");
      await actor.send({ type: "later", ms: 500 });
      await actor.ask({ type: "note", text: "during the delay" });
      await redis.config("SET", "maxmemory", "1");
      return (await redis.keys("*:timers")).length > 0;
    };
    // On a slow machine, the delay may be over too early.
    while (!(await fillDuringDelay()));
    expect(await rejectionOf(actor.send({ type: "note", text: "never" }))).to.be.instanceOf(NotStoredError);
    expect(await rejectionOf(notes.get("b").ask({ type: "note", text: "never" }))).to.be.instanceOf(
      NotStoredError,
    );
    await until(async () => (await actor.view())?.texts.join() === "later");
    await redis.config("SET", "maxmemory", "0");
    await until(async () => (await rejectionOf(actor.send({ type: "note", text: "again" }))) === undefined);
    expect(await actor.ask({ type: "note", text: "last" })).to.deep.equal(["later", "again", "last"]);
    expect(await notes.list()).to.deep.equal(["a"]);
  });
});
