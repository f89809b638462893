import assert from "node:assert/strict";
import { Deferred } from "../../deferred.ts";
import { JobTimeoutError } from "../../errors.ts";
import { attempts, consumeJobs, sendNumbers } from "../numbered-jobs.ts";
import type { Suite } from "../test-nodes.ts";
import { until } from "../waiting.ts";
import { type BegunJob, Worker } from "../worker.ts";
import { untilAborted } from "./consumption-closing.ts";

const never = () => new Promise<void>(() => {});

/** Resolves once `timeoutMs` has passed. */
const untilTimeout = (job: BegunJob) => untilAborted(job).catch(() => {});

export function describeTimeLimits({ describe, it, nodes }: Suite): void {
  describe("a handler with a time limit", () => {
    it("that never ends loses its slot, and its job is retried", async () => {
      const worker = new Worker(({ message, delivery }) =>
        message.number === 1 && delivery.attempt === 1 ? never() : undefined,
      );
      const options = { timeoutMs: 20, retryAfterMs: 1 };
      const consumption = await nodes.one.consume("jobs", worker.handle, options);
      await sendNumbers(nodes.other, "jobs", 1, 2);
      await worker.until(() => attempts(worker).includes("1/2") && attempts(worker).includes("2/1"));
      await consumption.close();
      assert.deepEqual(consumption.running, []);
      const { signal } = worker.begun[0]?.delivery ?? {};
      assert.ok(signal?.reason instanceof JobTimeoutError);
      assert.deepEqual(nodes.errors, [[signal.reason, { channel: "jobs", stage: "consume", attempt: 1 }]]);
      assert.match(signal.reason.message, /"jobs" took longer than 20 ms \(`timeoutMs`\)/);
      const { consumed, dropped } = nodes.one.counters();
      assert.deepEqual([consumed, dropped], [2, {}]);
    });

    for (const name of ["JobTimeoutError", "AbortError"]) {
      it(`has failed if it rejects with the ${name} of its signal`, async () => {
        const worker = new Worker(async (job) => {
          await untilTimeout(job);
          throw name === "AbortError" ? new DOMException("aborted", name) : job.delivery.signal.reason;
        });
        const buried: unknown[] = [];
        const onDead = (_: unknown, { attempt }: BegunJob["delivery"], error: unknown) =>
          buried.push([attempt, error instanceof JobTimeoutError && error.code]);
        const options = { timeoutMs: 20, maxDeliveries: 2, retryAfterMs: 1, onDead };
        await nodes.one.consume("jobs", worker.handle, options);
        await sendNumbers(nodes.other, "jobs", 1);
        await consumeJobs(nodes.other, "jobs.dead", 1);
        assert.equal(attempts(worker), "1/1 1/2");
        assert.deepEqual(buried, [[2, "ERR_JOB_TIMEOUT"]]);
        assert.deepEqual(nodes.one.counters().dropped, { "dead-letter": 1 });
      });
    }

    it("has succeeded if it resolves soon after its signal is aborted, or before", async () => {
      const worker = new Worker(async (job) => {
        if (job.message.number === 2) return;
        await untilTimeout(job);
        // The handler cleans up.
        await new Promise((resolve) => setTimeout(resolve, 5));
      });
      const consumption = await nodes.one.consume("jobs", worker.handle, { timeoutMs: 200 });
      await sendNumbers(nodes.other, "jobs", 1, 2);
      await worker.hasBegun(2);
      await consumption.close();
      assert.equal(attempts(worker), "1/1 2/1");
      assert.equal(nodes.one.counters().consumed, 2);
      assert.deepEqual(nodes.errors, []);
    });

    it("does not have its late outcome counted as a success, or as another failure", async () => {
      const gate = new Deferred();
      const worker = new Worker(async ({ message, delivery }) => {
        if (delivery.attempt > 1) return;
        await gate.promise;
        if (message.number === 2) throw new Error("too late");
        delivery.signal.throwIfAborted();
      });
      const options = { timeoutMs: 20, retryAfterMs: 1, concurrency: 3 };
      const consumption = await nodes.one.consume("jobs", worker.handle, options);
      await sendNumbers(nodes.other, "jobs", 1, 2);
      await worker.hasBegun(4);
      await consumption.close();
      const before = nodes.errors.length;
      gate.resolve();
      await until(() => nodes.one.counters().dropped.late === 2);
      assert.deepEqual(
        nodes.errors.slice(before).map(([error, where]) => [(error as Error).message, where]),
        [["too late", { channel: "jobs", stage: "consume", attempt: 1 }]],
      );
      const { consumed, dropped } = nodes.one.counters();
      assert.deepEqual([before, consumed, dropped], [2, 2, { late: 2 }]);
      await sendNumbers(nodes.one, "jobs", 3);
      assert.deepEqual((await consumeJobs(nodes.other, "jobs", 1)).attempts, [[3, 1]]);
    });

    it("has failed if it rejects after its time, also if the consumption closes meanwhile", async () => {
      const gate = new Deferred();
      const late = new Deferred();
      const worker = new Worker(async (job) => {
        await untilTimeout(job);
        late.resolve();
        await gate.promise;
        throw new DOMException("aborted", "AbortError");
      });
      const consumption = await nodes.one.consume("jobs", worker.handle, { timeoutMs: 200 });
      await sendNumbers(nodes.one, "jobs", 1);
      await late.promise;
      const closing = consumption.close();
      gate.resolve();
      await closing;
      assert.deepEqual(
        nodes.errors.map(([error]) => error instanceof JobTimeoutError),
        [true],
      );
    });

    it("may take longer after its limit is lifted, to send its outcome", async () => {
      const worker = new Worker(async ({ delivery: { limit, signal } }) => {
        limit?.lift();
        await new Promise((resolve) => setTimeout(resolve, 100));
        signal.throwIfAborted();
      });
      const consumption = await nodes.one.consume("jobs", worker.handle, { timeoutMs: 20 });
      await sendNumbers(nodes.one, "jobs", 1, 2);
      await until(() => nodes.one.counters().consumed === 2);
      await consumption.close();
      assert.deepEqual([attempts(worker), nodes.errors], ["1/1 2/1", []]);
    });

    it("does not keep a closing consumption open, and returns its job with the used attempt", async () => {
      const worker = new Worker(never);
      const consumption = await nodes.one.consume("jobs", worker.handle, { timeoutMs: 50 });
      await sendNumbers(nodes.one, "jobs", 1);
      await worker.hasBegun(1);
      await consumption.close();
      assert.equal(attempts(await consumeJobs(nodes.other, "jobs", 1)), "1/2");
    });
  });
}
