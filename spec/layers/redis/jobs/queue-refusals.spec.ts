import { expect } from "chai";
import { Redis } from "ioredis";
import type { ChannelLayer } from "../../../../layers/channel-layer.ts";
import { LayerUnavailableError } from "../../../../layers/errors.ts";
import { RedisStreamsLayer } from "../../../../layers/redis/index.ts";
import { Worker } from "../../../../layers/testing/index.ts";
import { type Gate, gate } from "../../../support/gate.ts";
import { type RedisServer, startRedisServer } from "../../../support/redis.ts";
import { until } from "../../support/until.ts";

const prefix = "refusals";
const queue = `{${prefix}__queue__jobs}`;

describe("RedisQueues on a server that refuses commands", () => {
  let server: RedisServer;
  let admin: Redis;
  let layer: ChannelLayer;
  let errors: Error[];
  let open: Gate;
  beforeEach(async () => {
    server = await startRedisServer();
    admin = new Redis(server.url);
    await admin.call("ACL", "SETUSER", "node", "on", ">secret", "~*", "&*", "+@all");
    errors = [];
    open = gate();
    layer = new RedisStreamsLayer({
      url: server.url.replace("//", "//node:secret@"),
      prefix,
      onError: (error) => errors.push(error as Error),
    });
  });
  afterEach(async () => {
    await server.resume();
    open.open();
    await layer.close();
    admin.disconnect();
    await server.kill();
  });

  const send = (number: number) => layer.send("jobs", { type: "job", number });

  /** How often a script has failed on the server. */
  async function failures(): Promise<number> {
    const stats = await admin.info("commandstats");
    const counts = stats.matchAll(/cmdstat_eval(?:sha)?:.*rejected_calls=(\d+),failed_calls=(\d+)/g);
    return [...counts].reduce((sum, [, rejected, failed]) => sum + Number(rejected) + Number(failed), 0);
  }

  const refusals = [
    {
      what: "has no memory for a dead letter",
      said: "OOM",
      begin: () => admin.config("SET", "maxmemory", "1"),
      end: () => admin.config("SET", "maxmemory", "0"),
      work() {
        throw new Error("not this one");
      },
    },
    {
      what: "does not permit acknowledging a job",
      said: "can't run this command",
      begin: () => admin.call("ACL", "SETUSER", "node", "-xack"),
      end: () => admin.call("ACL", "SETUSER", "node", "+xack"),
      work() {},
    },
  ];
  for (const { what, said, begin, end, work } of refusals) {
    it(`reports once that the server ${what}, is unhealthy meanwhile, and continues afterwards`, async () => {
      const second = gate();
      const worker = new Worker(async ({ message }) => {
        await (message.number === 3 ? second : open).opened;
        work();
      });
      await layer.consume("jobs", worker.handle, { maxDeliveries: 1, concurrency: 2 });
      await Promise.all([send(1), send(2)]);
      await worker.hasBegun(2);
      await begin();
      const before = await failures();
      open.open();
      // Both outcomes have been retried more than once. Up to four failures are scripts that the server lacked.
      await until(async () => (await failures()) >= before + 10);
      const refused = () => errors.filter(({ message }) => message.includes(said));
      expect(refused().map(({ name }) => name)).to.deep.equal(["LayerUnavailableError"]);
      const { health } = layer;
      expect(health.ok ? "" : health.reason).to.include(said);
      await end();
      await until(async () => (await admin.xlen(queue)) === 0);
      await until(() => layer.health.ok);
      await send(3);
      await worker.hasBegun(3);
      // A new refusal is reported again.
      await begin();
      second.open();
      await until(() => refused().length === 2);
      await end();
      await until(() => layer.health.ok);
    });
  }

  it("does not abort a running job while the server refuses to tell the holders of claims", async () => {
    const worker = new Worker(() => open.opened);
    await layer.consume("jobs", worker.handle, { claimAfterMs: 100 });
    await send(1);
    await worker.hasBegun(1);
    await admin.call("ACL", "SETUSER", "node", "-xpending");
    const before = await failures();
    await until(async () => (await failures()) > before + 20);
    expect(worker.begun[0]?.delivery.signal.aborted).to.equal(false);
    await admin.call("ACL", "SETUSER", "node", "+xpending");
    open.open();
    await until(() => layer.counters().consumed === 1);
    expect(worker.begun).to.have.length(1);
    expect(errors.map(({ message }) => /can't run this command/.test(message))).to.include(true);
  });

  it("buries a foreign entry with too many fields as garbage, and continues", async () => {
    const worker = new Worker();
    const fields = Array.from({ length: 18_000 }, (_, index) => `field ${index}`);
    await admin.xadd(queue, "*", ...fields);
    await layer.consume("jobs", worker.handle);
    await send(1);
    await worker.hasBegun(1);
    expect(worker.numbers).to.deep.equal([1]);
    const [dead] = await admin.xrange(`${queue}.dead`, "-", "+");
    expect(dead?.[1]).to.deep.equal(fields.slice(0, 2));
    expect(layer.counters().dropped.garbage).to.equal(1);
    expect(errors.map(({ message }) => message)).to.deep.equal([
      `A payload on "${prefix}__queue__jobs" is not a message.`,
    ]);
  });

  it("rejects sends while too many bytes await a frozen server, and accepts more after it", async () => {
    await send(0);
    await server.pause();
    const bytes = new Uint8Array(512 * 1024);
    const sends = Array.from({ length: 128 }, () => layer.send("jobs", { type: "job", bytes }));
    const refused = await send(1).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(LayerUnavailableError);
    expect(String(refused)).to.include("replies too slowly");
    await server.resume();
    await Promise.all(sends);
    await send(2);
    expect(await admin.xlen(queue)).to.equal(130);
  });
});
