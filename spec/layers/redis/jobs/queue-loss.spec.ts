import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { Redis } from "ioredis";
import type { JobDelivery } from "../../../../layers/backend.ts";
import type { ChannelLayer } from "../../../../layers/channel-layer.ts";
import type { ErrorListener } from "../../../../layers/error-reporter.ts";
import { QueueLostError } from "../../../../layers/errors.ts";
import type { Message } from "../../../../layers/message.ts";
import { RedisQueueConsumer } from "../../../../layers/redis/jobs/queue-consumer.ts";
import { QueueLoss } from "../../../../layers/redis/jobs/queue-loss.ts";
import { Worker } from "../../../../layers/testing/index.ts";
import { type Gate, gate } from "../../../support/gate.ts";
import { redisUrl } from "../../../support/redis.ts";
import { until } from "../../support/until.ts";
import { queueLayer } from "../support/queue-layer.ts";

describe("A queue that vanishes from Redis", () => {
  let raw: Redis;
  let prefix: string;
  let key: string;
  let layers: ChannelLayer[];
  let reports: Parameters<ErrorListener>[];
  let open: Gate;
  before(() => {
    raw = new Redis(redisUrl());
  });
  after(() => raw.quit());
  beforeEach(() => {
    prefix = `loss-${randomBytes(6).toString("hex")}`;
    key = `{${prefix}__queue__jobs}`;
    [layers, reports, open] = [[], [], gate()];
  });
  afterEach(async () => {
    open.open();
    await Promise.all(layers.map((layer) => layer.close()));
  });

  function startLayer(): ChannelLayer {
    const layer = queueLayer({ url: redisUrl(), prefix, onError: (...report) => reports.push(report) });
    layers.push(layer);
    return layer;
  }

  const send = (layer: ChannelLayer, number: number) => layer.send("jobs", { type: "job", number });

  const losses = () => reports.filter(([error]) => error instanceof QueueLostError);

  const hasGroup = async () => (await raw.exists(key)) === 1 && (await raw.xinfo("GROUPS", key)) !== null;

  it("is reported and counted once for each loss, and its workers continue", async () => {
    const layer = startLayer();
    const workers = [new Worker(), new Worker(), new Worker()];
    for (const { handle } of workers) await layer.consume("jobs", handle);
    for (const times of [1, 2, 3]) {
      await send(layer, times);
      await until(() => workers.flatMap(({ begun }) => begun).length === times);
      await raw.del(key);
      await until(() => losses().length >= times);
    }
    await until(hasGroup);
    await send(layer, 4);
    await until(() => workers.flatMap(({ begun }) => begun).length === 4);
    expect(reports).to.have.length(3);
    expect(reports[0]?.[1]).to.deep.equal({ channel: "jobs", stage: "layer" });
    expect(reports[0]?.[0]).to.include({
      code: "ERR_QUEUE_LOST",
      message:
        `The queue "jobs" has vanished from Redis at ${new URL(redisUrl()).host}: its jobs are lost. Redis may ` +
        "have evicted it (maxmemory-policy has to be noeviction) or restarted without its data, or the key was deleted.",
    });
    expect(layer.counters().dropped).to.deep.equal({ "queue-lost": 3 });
  });

  it("is noticed also while all handlers are busy, which are not aborted", async () => {
    const layer = startLayer();
    const worker = new Worker(() => open.opened);
    await layer.consume("jobs", worker.handle, { claimAfterMs: 100 });
    await send(layer, 1);
    await worker.hasBegun(1);
    await raw.del(key);
    await until(() => losses().length === 1);
    await send(layer, 2);
    // Each renewal would abort the handler. A second layer shows that several renewals have passed.
    const other = new Worker();
    await startLayer().consume("other", other.handle, { claimAfterMs: 100 });
    for (let number = 1; number <= 3; number += 1) {
      await raw.del(`{${prefix}__queue__other}`);
      await until(() => losses().length === 1 + number);
    }
    expect(worker.begun[0]?.delivery.signal.aborted).to.equal(false);
    open.open();
    await worker.hasBegun(2);
    expect(worker.attempts).to.deep.equal([
      [1, 1],
      [2, 1],
    ]);
    await until(() => layer.counters().consumed === 2);
  });

  it("does not take the running job from its worker, which retries it and buries it", async () => {
    const layer = startLayer();
    const buried: unknown[] = [];
    const worker = new Worker(async ({ delivery }) => {
      if (delivery.attempt === 1) await open.opened;
      throw new Error("no");
    });
    const onDead = (message: Message, { attempt }: JobDelivery) => buried.push([message.number, attempt]);
    await layer.consume("jobs", worker.handle, { claimAfterMs: 100, retryAfterMs: 0, onDead });
    await send(layer, 1);
    await worker.hasBegun(1);
    await raw.del(key);
    await until(() => losses().length === 1);
    open.open();
    const dead = new Worker();
    await layer.consume("jobs.dead", dead.handle);
    await dead.hasBegun(1);
    expect(worker.attempts).to.deep.equal([
      [1, 1],
      [1, 2],
      [1, 3],
    ]);
    expect(buried).to.deep.equal([[1, 3]]);
    expect(dead.attempts).to.deep.equal([[1, 1]]);
  });

  it("gets the running job back from a worker that closes", async () => {
    const layer = startLayer();
    const worker = new Worker(
      ({ delivery: { signal } }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    const consumption = await layer.consume("jobs", worker.handle, { claimAfterMs: 100 });
    await send(layer, 1);
    await worker.hasBegun(1);
    await raw.del(key);
    await until(() => losses().length === 1);
    await raw.pexpire(key, 600_000);
    await consumption.close();
    expect(await raw.pttl(key)).to.equal(-1);
    const next = new Worker();
    await layer.consume("jobs", next.handle);
    await next.hasBegun(1);
    expect(next.attempts).to.deep.equal([[1, 1]]);
  });

  describe("of several consumers in one process", () => {
    function start() {
      const queue = `${prefix}__queue__jobs`;
      const commands = { run: <T>(command: (redis: Redis) => Promise<T>) => command(raw) };
      const consumer = new RedisQueueConsumer(queue, commands, { measuresAge: false, queueIdleMs: 60_000 });
      const heard: string[] = [];
      const loss = new QueueLoss(queue, "home", (isDeleted) => heard.push(isDeleted ? "deleted" : "lost"));
      const receiver = { job: async () => "done" as const, error: () => heard.push("reported") };
      const recover = (count: number) => loss.recover(consumer, receiver, count);
      return { loss, consumer, heard, recover };
    }

    it("is reported once, also if the second consumer notices it later, or both at once", async () => {
      const { loss, consumer, heard, recover } = start();
      await loss.open(consumer);
      await raw.del(key);
      await recover(0);
      await recover(0);
      expect(heard).to.deep.equal(["lost", "reported"]);
      await raw.del(key);
      await Promise.all([recover(1), recover(1)]);
      expect(heard).to.deep.equal(["lost", "reported", "lost", "reported"]);
      expect(loss.count).to.equal(2);
    });

    it("is not reported if a consumer starts after a deletion that the first has not noticed", async () => {
      const { loss, consumer, heard, recover } = start();
      await loss.open(consumer);
      await startLayer().deleteQueue("jobs");
      await loss.open(consumer);
      await recover(0);
      expect(heard).to.deep.equal(["deleted"]);
    });
  });

  it("is not one whose read the server only unblocks", async () => {
    const layer = startLayer();
    const worker = new Worker();
    await layer.consume("jobs", worker.handle);
    await until(async () => {
      const blocked = /^id=(\d+) .* name=greenroom-queue-reader .* flags=b /m;
      const [, id] = blocked.exec(String(await raw.client("LIST"))) ?? [];
      return id !== undefined && (await raw.client("UNBLOCK", id, "ERROR")) === 1;
    });
    await send(layer, 1);
    await worker.hasBegun(1);
    expect(reports).to.deep.equal([]);
  });

  it("is reported also if it was deleted before its workers started", async () => {
    const layer = startLayer();
    await send(layer, 1);
    expect(await layer.deleteQueue("jobs")).to.equal(1);
    await layer.consume("jobs", () => {});
    await until(hasGroup);
    await raw.del(key);
    await until(() => losses().length === 1);
  });

  it("is not reported if another consumer has created the queue again after a deletion", async () => {
    const layer = startLayer();
    const [first, second] = [new Worker(() => open.opened), new Worker()];
    await layer.consume("jobs", first.handle, { claimAfterMs: 100 });
    await send(layer, 1);
    await first.hasBegun(1);
    await startLayer().deleteQueue("jobs");
    await layer.consume("jobs", second.handle);
    await send(layer, 2);
    await second.hasBegun(1);
    await until(() => first.begun[0]?.delivery.signal.aborted === true);
    expect(reports).to.deep.equal([]);
  });
});
