import { expect } from "chai";
import { Redis } from "ioredis";
import { RedisStreamsLayer } from "../../layers/redis/index.ts";
import { until } from "../layers/support/until.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";

describe("RedisStreamsLayer with a consumption on a frozen server", () => {
  let server: RedisServer;
  let admin: Redis;
  beforeEach(async () => {
    server = await startRedisServer();
    admin = new Redis(server.url);
  });
  afterEach(async () => {
    admin.disconnect();
    await server.resume();
    await server.kill();
  });

  for (const what of ["begins", "waits"]) {
    it(`closes in seconds despite a long command timeout while the consumption ${what}`, async () => {
      const layer = new RedisStreamsLayer({ url: server.url, prefix: "frozen", connectTimeoutMs: 60_000 });
      await layer.consume("jobs", () => {});
      const isBlocked = async () => /^blocked_clients:1/m.test(await admin.info("clients"));
      if (what === "waits") await until(isBlocked);
      await server.pause();
      const start = performance.now();
      await layer.close();
      // Several limits of 1 s each, and not that of 60 s.
      expect(performance.now() - start).to.be.lessThan(30_000);
    });
  }
});
