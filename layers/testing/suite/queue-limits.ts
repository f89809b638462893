import assert from "node:assert/strict";
import { Deferred } from "../../deferred.ts";
import { InvalidOptionError, JobExpiredError, QueueFullError } from "../../errors.ts";
import type { ConsumeOptions } from "../../index.ts";
import { attempts, consumeJobs, sendNumbers } from "../numbered-jobs.ts";
import type { Suite } from "../test-nodes.ts";
import { moreThanAMillisecond, until } from "../waiting.ts";
import { Worker } from "../worker.ts";
import { untilAborted } from "./consumption-closing.ts";

export function describeQueueLimits({ describe, it, nodes }: Suite): void {
  it("refuses an invalid queue capacity or expiry", async () => {
    for (const options of [
      { queueCapacity: 0 },
      { queueExpiryMs: 1.5 },
      { queueCapacity: [["jobs", Number.NaN]] as const },
      { queueExpiryMs: [["no such name", 1]] as const },
    ]) {
      await assert.rejects(async () => nodes.startNode(options), InvalidOptionError);
    }
  });

  it("counts the messages of a named channel: those that wait, run, and wait for a retry", async () => {
    const gate = new Deferred();
    const worker = new Worker(({ delivery: { attempt } }) => (attempt === 1 ? gate.promise : undefined));
    await sendNumbers(nodes.other, "jobs", 1, 3);
    assert.equal(await nodes.one.queueSize("jobs"), 3);
    const consumption = await nodes.one.consume("jobs", worker.handle, { retryAfterMs: 0 });
    await worker.hasBegun(1);
    assert.equal(await nodes.other.queueSize("jobs"), 3);
    gate.reject(new Error("again"));
    await worker.until(() => worker.running === 0 && worker.attempts.length === 6);
    await consumption.close();
    assert.equal(await nodes.one.queueSize("jobs"), 0);
    assert.equal(await nodes.one.queueSize("unknown"), 0);
  });

  describe("a full named channel", () => {
    it("refuses and counts messages until a handler is done with one", async () => {
      const small = await nodes.startNode({ queueCapacity: 3 });
      const gates = [new Deferred(), new Deferred()];
      const worker = new Worker(({ message }) => gates[Number(message.number) - 1]?.promise);
      await small.consume("jobs", worker.handle);
      await sendNumbers(small, "jobs", 1, 3);
      await worker.hasBegun(1);
      await assert.rejects(small.send("jobs", { type: "job", number: 4 }), (error: Error) => {
        assert.ok(error instanceof QueueFullError);
        assert.equal(error.code, "ERR_QUEUE_FULL");
        assert.match(error.message, /"jobs" holds 3 messages/);
        return true;
      });
      assert.deepEqual(small.counters().dropped, { "queue-full": 1 });
      gates[0]?.resolve();
      await worker.hasBegun(2);
      await sendNumbers(small, "jobs", 4);
      gates[1]?.resolve();
      await worker.hasBegun(4);
      assert.deepEqual(worker.numbers, [1, 2, 3, 4]);
    });

    it("has reached the capacity configured for its name", async () => {
      const queueCapacity = [
        ["brief*", 1],
        ["*", 2],
      ] as const;
      const node = await nodes.startNode({ queueCapacity });
      const capacities = { brief: 1, "brief-2": 1, jobs: 2 };
      for (const [channel, capacity] of Object.entries(capacities)) {
        await sendNumbers(node, channel, 1, capacity);
        await assert.rejects(node.send(channel, { type: "job" }), QueueFullError);
      }
    });

    it("still accepts dead letters", async () => {
      const small = await nodes.startNode({ queueCapacity: 1 });
      const worker = new Worker(() => Promise.reject(new Error("no")));
      const consumption = await small.consume("jobs", worker.handle, { maxDeliveries: 1 });
      await sendNumbers(nodes.other, "jobs", 1, 2);
      await worker.hasBegun(2);
      await consumption.close();
      // The queue has room again, because the dead letters have left it.
      await sendNumbers(small, "jobs", 3);
      await consumeJobs(small, "jobs.dead", 2);
    });
  });

  describe("a queued message", () => {
    const queueExpiryMs = [["brief", 1]] as const;

    it("is deleted and counted if it is older than the expiry of its channel", async () => {
      const node = await nodes.startNode({ queueExpiryMs });
      await sendNumbers(nodes.one, "brief", 1, 3);
      await sendNumbers(nodes.one, "jobs", 1, 3);
      await moreThanAMillisecond();
      const jobs = await consumeJobs(node, "jobs", 3);
      const brief = new Worker();
      const consumption = await node.consume("brief", brief.handle);
      await until(() => node.counters().dropped.expired === 3);
      await consumption.close();
      await sendNumbers(nodes.one, "brief", 4);
      const rest = await consumeJobs(nodes.other, "brief", 1);
      await sendNumbers(nodes.one, "brief.dead", 5);
      const dead = await consumeJobs(nodes.other, "brief.dead", 1);
      assert.deepEqual([brief.numbers, jobs.numbers], [[], [1, 2, 3]]);
      assert.deepEqual([rest.numbers, dead.numbers], [[4], [5]]);
      const { received, consumed, dropped } = node.counters();
      assert.deepEqual([received, consumed, dropped], [6, 3, { expired: 3 }]);
      assert.deepEqual(nodes.errors, []);
    });

    it("is passed to onExpired with its address before it is removed", async () => {
      const node = await nodes.startNode({ queueExpiryMs });
      await nodes.one.send("brief", { type: "job", number: 1 }, { replyTo: "a!b", job: "7" });
      await sendNumbers(nodes.one, "brief", 2);
      await moreThanAMillisecond();
      const expired: unknown[] = [];
      const gate = new Deferred();
      const onExpired: ConsumeOptions["onExpired"] = async ({ number }, { attempt, replyTo, job }, error) => {
        expired.push([number, attempt, replyTo, job, error instanceof JobExpiredError && error.code]);
        await gate.promise;
        throw new Error("onExpired is broken");
      };
      const consumption = await node.consume("brief", () => {}, { onExpired });
      await until(() => expired.length === 1);
      // The queue still holds the message, because onExpired has not settled.
      const small = await nodes.startNode({ queueCapacity: 2 });
      await assert.rejects(small.send("brief", { type: "job" }), QueueFullError);
      gate.resolve();
      await until(() => expired.length === 2 && nodes.errors.length === 2);
      await consumption.close();
      assert.deepEqual(expired, [
        [1, 1, "a!b", "7", "ERR_JOB_EXPIRED"],
        [2, 1, undefined, undefined, "ERR_JOB_EXPIRED"],
      ]);
      assert.deepEqual(
        nodes.errors.map(([error, where]) => [(error as Error).message, where]),
        Array(2).fill(["onExpired is broken", { channel: "brief", stage: "consume", attempt: 1 }]),
      );
      const { dropped, consumed } = node.counters();
      assert.deepEqual([dropped, consumed], [{ expired: 2 }, 0]);
      await sendNumbers(nodes.one, "brief", 3);
      assert.deepEqual((await consumeJobs(nodes.other, "brief", 1)).numbers, [3]);
    });

    it("is delivered if it is younger than the expiry of its channel", async () => {
      const node = await nodes.startNode({ queueExpiryMs: 3_600_000 });
      await sendNumbers(nodes.one, "brief", 1, 3);
      await moreThanAMillisecond();
      await consumeJobs(node, "brief", 3);
    });

    it("is retried at any age once it has been begun", async () => {
      const node = await nodes.startNode({ queueExpiryMs });
      const worker = new Worker(untilAborted);
      const consumption = await nodes.one.consume("brief", worker.handle);
      await sendNumbers(nodes.other, "brief", 1);
      await worker.hasBegun(1);
      await consumption.close();
      await moreThanAMillisecond();
      assert.equal(attempts(await consumeJobs(node, "brief", 1)), "1/2");
    });

    it("does not expire as a dead letter", async () => {
      const node = await nodes.startNode({ queueExpiryMs: 1 });
      const fail = () => Promise.reject(new Error("no"));
      const consumption = await nodes.one.consume("jobs", fail, { maxDeliveries: 1 });
      await sendNumbers(nodes.one, "jobs", 1);
      await until(() => nodes.one.counters().dropped["dead-letter"] === 1);
      await consumption.close();
      await moreThanAMillisecond();
      assert.deepEqual((await consumeJobs(node, "jobs.dead", 1)).numbers, [1]);
    });
  });
}
