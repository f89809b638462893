import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import { Auditor } from "../named-chaos/auditor.ts";
import { Crew } from "../named-chaos/crew.ts";
import type { Place } from "../named-chaos/kinds.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";
import { type RedisSentinels, startRedisSentinels } from "../support/redis-sentinel.ts";

const keys = 60;

describe("named actors under faults", () => {
  let crew: Crew;
  let auditor: Auditor;
  afterEach(async () => {
    await crew.stop();
    await auditor.close();
  });

  async function start(redis: Place["redis"], inFlight = 12): Promise<void> {
    const place = { redis, prefix: `named-${randomBytes(6).toString("hex")}`, partitions: 24 };
    crew = new Crew({ place, keys, inFlight, pauseMs: 2 });
    auditor = new Auditor(place);
    await crew.start();
  }

  async function account() {
    await crew.silence();
    await auditor.settled();
    return auditor.account(crew.senders, keys);
  }

  describe("on a Redis with an append-only file", () => {
    let folder: string;
    let server: RedisServer;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), "greenroom-named-"));
      server = await startServer();
    });
    afterEach(async () => {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    });

    const startServer = (port?: number) =>
      startRedisServer({
        ...(port !== undefined && { port }),
        args: ["--appendonly", "yes", "--appendfsync", "always", "--dir", folder],
      });

    it("take each increment once and in order", async () => {
      await start({ url: server.url });
      await crew.more(300);
      await crew.kill(0);
      await crew.more(300);
      await crew.freeze(1);
      await crew.eachMore(100);
      await crew.drain(2);
      await crew.more(300);
      await crew.cut(server.url);
      await crew.eachMore(100);
      await server.kill();
      server = await startServer(server.port);
      await crew.eachMore(300);
      const { wrong, lost, acked, taken } = await account();
      expect(wrong).to.deep.equal([]);
      expect([...lost]).to.deep.equal([]);
      expect(taken).to.be.at.least(acked);
      expect(crew.senders.flatMap(({ events }) => events)).to.deep.equal([]);
    });

    it("ring each alarm once, although processes die and freeze", async () => {
      const count = 400;
      await start({ url: server.url }, 0);
      await auditor.setAlarms(count, 8_000);
      await crew.kill(0);
      await crew.freeze(1);
      await until(async () => (await auditor.openAlarms()) === 0);
      const late = (await auditor.alarms(count)).map((alarm) => alarm?.late ?? []);
      expect(late.filter(({ length }) => length !== 1)).to.deep.equal([]);
      expect(Math.min(...late.flat())).to.be.at.least(-5);
      expect(Math.max(...late.flat())).to.be.below(30_000);
    });
  });

  describe("over Sentinel", () => {
    let group: RedisSentinels;
    beforeEach(async () => {
      group = await startRedisSentinels();
    });
    afterEach(() => group.stop());

    it("take each increment once and in order, or report that the store has lost it", async () => {
      const { sentinels, name } = group;
      await start({ sentinels, name });
      await crew.more(500);
      // The Sentinels watch only from here on: until then, a slow server is not replaced.
      await group.watch(500);
      await group.master.kill();
      await crew.eachMore(keys * 4);
      const { wrong, lost } = await account();
      expect(wrong).to.deep.equal([]);
      for (const sender of crew.senders) expect(sender.lost).to.equal(lost.get(sender.name) ?? 0);
    });
  });
});
