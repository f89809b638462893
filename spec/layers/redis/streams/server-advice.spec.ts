import { expect } from "chai";
import { Redis } from "ioredis";
import { LayerSetupError } from "../../../../layers/errors.ts";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../../../layers/redis/index.ts";
import { Recorder } from "../../../../layers/testing/index.ts";
import { type RedisServer, startRedisServer } from "../../../support/redis.ts";
import { type RedisFailover, startRedisFailover } from "../../../support/redis-failover.ts";
import { until } from "../../support/until.ts";

let errors: unknown[];
const onError = (error: unknown) => errors.push(error);
/** The errors about the set-up, not about outages. */
const advice = () => errors.filter((error) => error instanceof LayerSetupError).map(({ message }) => message);

async function member(layer: RedisStreamsLayer): Promise<Recorder> {
  const inbox = new Recorder();
  await layer.groupAdd("room", await layer.newChannel(inbox));
  return inbox;
}

describe("a RedisStreamsLayer of a user without INFO", () => {
  let pair: RedisFailover;
  let layer: RedisStreamsLayer;
  beforeEach(async () => {
    errors = [];
    pair = await startRedisFailover();
    for (const client of [pair.first, pair.second]) {
      await client.call("ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-@dangerous");
    }
    await pair.replicate();
    const url = `redis://app:pw@${pair.host}:${pair.port}`;
    layer = new RedisStreamsLayer({ url, prefix: "chat", onError });
  });
  afterEach(async () => {
    await layer.close();
    await pair.stop();
  });

  it("says so once when it is opened", async () => {
    await layer.ready();
    expect(advice()).to.have.length(1);
    expect(advice()[0]).to.include(`127.0.0.1:${pair.port}`).and.to.include("+info");
  });

  // Before, the lost message was lost in silence.
  it("reports a gap if a failover loses a message that was accepted", async () => {
    const inbox = await member(layer);
    const sender = new RedisStreamsLayer({ url: pair.servers[0].url, prefix: "chat", onError });
    await sender.groupSend("room", { type: "one" });
    await inbox.next("one");
    pair.lead("nowhere");
    pair.cut();
    await until(() => !layer.health.ok);
    await pair.second.call("REPLICAOF", "NO", "ONE");
    await sender.groupSend("room", { type: "two, accepted and lost" });
    await sender.close();
    pair.lead("second");
    await until(() => layer.health.ok);
    const other = new RedisStreamsLayer({ url: pair.servers[1].url, prefix: "chat", onError });
    await other.groupSend("room", { type: "three" });
    await inbox.next("three");
    await other.close();
    expect(inbox.gaps.filter(({ group }) => group !== undefined)).to.deep.equal([{ group: "room" }]);
    expect(inbox.types).to.deep.equal(["one", "three"]);
  });

  it("reports a gap if only the publisher reconnects", async () => {
    const inbox = await member(layer);
    await layer.groupSend("room", { type: "one" });
    await inbox.next("one");
    const [, id] =
      /^id=(\d+).* name=greenroom-publisher/m.exec(String(await pair.first.client("LIST"))) ?? [];
    await pair.first.call("CLIENT", "KILL", "ID", String(id));
    await inbox.until(() => inbox.gaps.length > 0);
    await layer.groupSend("room", { type: "two" });
    await inbox.next("two");
    expect(inbox.gaps).to.deep.equal([{ group: "room" }]);
    expect(inbox.types).to.deep.equal(["one", "two"]);
  });
});

describe("the eviction policy of a server", () => {
  let server: RedisServer;
  let raw: Redis;
  before(async () => {
    server = await startRedisServer();
    raw = new Redis(server.url);
  });
  after(async () => {
    raw.disconnect();
    await server.kill();
  });

  async function adviceOf(layer: RedisPubSubLayer | RedisStreamsLayer): Promise<string[]> {
    await layer.ready();
    await layer.close();
    return advice();
  }

  const cases = {
    "allkeys-lru": /maxmemory-policy allkeys-lru.* delete queues .*noeviction/,
    "volatile-ttl": /maxmemory-policy volatile-ttl.* delete histories .*noeviction/,
  };
  for (const [policy, text] of Object.entries(cases)) {
    it(`is reported once by a streams layer if it is ${policy}, and not by a pub/sub layer`, async () => {
      errors = [];
      await raw.config("SET", "maxmemory-policy", policy);
      expect(await adviceOf(new RedisPubSubLayer({ url: server.url, prefix: "p", onError }))).to.be.empty;
      const [only, ...more] = await adviceOf(
        new RedisStreamsLayer({ url: server.url, prefix: "s", onError }),
      );
      expect(only).to.match(text).and.to.include(`127.0.0.1:${server.port}`);
      expect(more).to.be.empty;
    });
  }

  it("is not reported if it is noeviction", async () => {
    errors = [];
    await raw.config("SET", "maxmemory-policy", "noeviction");
    expect(await adviceOf(new RedisStreamsLayer({ url: server.url, prefix: "s", onError }))).to.be.empty;
  });
});
