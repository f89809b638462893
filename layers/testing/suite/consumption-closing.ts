import assert from "node:assert/strict";
import { Deferred } from "../../deferred.ts";
import { LayerClosedError } from "../../errors.ts";
import { attempts, consumeJobs, sendNumbers } from "../numbered-jobs.ts";
import type { Suite } from "../test-nodes.ts";
import { nextTurn } from "../waiting.ts";
import { type BegunJob, Worker } from "../worker.ts";

export const untilAborted = ({ delivery: { signal } }: BegunJob) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

export function describeConsumptionClosing({ describe, it, nodes }: Suite): void {
  describe("closing a consumption", () => {
    it("begins no more jobs, aborts the signal, waits for running handlers, and leaves the rest to others", async () => {
      const gate = new Deferred();
      const worker = new Worker(() => gate.promise);
      const consumption = await nodes.one.consume("jobs", worker.handle, { concurrency: 2 });
      await sendNumbers(nodes.one, "jobs", 1, 10);
      await worker.hasBegun(2);
      const closing = consumption.close();
      assert.ok(worker.begun.every(({ delivery }) => delivery.signal.aborted));
      const rest = await consumeJobs(nodes.other, "jobs", 8);
      assert.equal(worker.running, 2);
      gate.resolve();
      await closing;
      assert.equal(worker.running, 0);
      assert.equal(attempts(worker), "1/1 2/1");
      assert.equal(attempts(rest), "3/1 4/1 5/1 6/1 7/1 8/1 9/1 10/1");
      await sendNumbers(nodes.one, "jobs", 11);
      await rest.hasBegun(9);
      assert.deepEqual(rest.attempts.at(-1), [11, 1]);
    });

    it("returns jobs that it has not begun to the queue, without counting an attempt", async () => {
      for (let round = 1; round <= 20; round += 1) {
        const worker = new Worker();
        const consumption = await nodes.one.consume("jobs", worker.handle);
        const sending = sendNumbers(nodes.other, "jobs", 1, 5);
        for (let turns = 0; turns < round; turns += 1) await nextTurn();
        const closing = consumption.close();
        const begun = worker.begun.length;
        await Promise.all([sending, closing]);
        assert.equal(worker.begun.length, begun);
        const rest = new Worker();
        const others = await nodes.other.consume("jobs", rest.handle);
        await rest.hasBegun(5 - begun);
        await others.close();
        assert.equal(attempts(worker, rest), "1/1 2/1 3/1 4/1 5/1");
      }
    });

    it("returns an aborted job to the queue for another attempt, ahead of later jobs", async () => {
      const worker = new Worker(untilAborted);
      const consumption = await nodes.one.consume("jobs", worker.handle);
      await sendNumbers(nodes.one, "jobs", 1, 3);
      await worker.hasBegun(1);
      await consumption.close();
      assert.equal(attempts(await consumeJobs(nodes.other, "jobs", 3)), "1/2 2/1 3/1");
      assert.deepEqual(nodes.errors, []);
    });

    it("returns an aborted job any number of times, but counts one attempt only, and reports no error", async () => {
      const worker = new Worker(async (job) => {
        await untilAborted(job).catch(() => {});
        throw Object.assign(new Error("The operation was aborted"), { name: "AbortError" });
      });
      await sendNumbers(nodes.one, "jobs", 1);
      for (let round = 1; round <= 5; round += 1) {
        const consumption = await nodes.one.consume("jobs", worker.handle, { maxDeliveries: 2 });
        await worker.hasBegun(round);
        await consumption.close();
      }
      assert.equal(attempts(worker), "1/1 1/2 1/2 1/2 1/2");
      assert.deepEqual(nodes.errors, []);
      const last = new Worker();
      await nodes.other.consume("jobs", last.handle, { maxDeliveries: 2 });
      await last.hasBegun(1);
      assert.equal(attempts(last), "1/2");
    });

    it("reports errors of its handler, also while closing, and an AbortError if nothing was aborted", async () => {
      const failure = new Error("no");
      const abort = new DOMException("This operation was aborted", "AbortError");
      const worker = new Worker(async (job) => {
        if (job.delivery.attempt === 1) throw abort;
        await untilAborted(job).catch(() => {});
        throw failure;
      });
      const consumption = await nodes.one.consume("jobs", worker.handle, { retryAfterMs: 1 });
      await sendNumbers(nodes.one, "jobs", 1);
      await worker.hasBegun(2);
      await consumption.close();
      assert.deepEqual(nodes.errors, [
        [abort, { channel: "jobs", stage: "consume", attempt: 1 }],
        [failure, { channel: "jobs", stage: "consume", attempt: 2 }],
      ]);
    });

    it("moves an aborted job without attempts left to the dead letters, and reports it", async () => {
      const worker = new Worker(untilAborted);
      const consumption = await nodes.one.consume("jobs", worker.handle, { maxDeliveries: 1 });
      await sendNumbers(nodes.one, "jobs", 1);
      await worker.hasBegun(1);
      await consumption.close();
      await consumeJobs(nodes.other, "jobs.dead", 1);
      assert.deepEqual(nodes.one.counters().dropped, { "dead-letter": 1 });
      assert.equal(nodes.errors.length, 1);
    });

    it("returns jobs that wait for a retry at once, with the attempts that they have used", async () => {
      const worker = new Worker(({ delivery }) => {
        if (delivery.attempt === 1) throw new Error("not yet");
      });
      const consumption = await nodes.one.consume("jobs", worker.handle, { retryAfterMs: 3_600_000 });
      await sendNumbers(nodes.one, "jobs", 1, 3);
      await worker.until(() => worker.begun.length === 3 && worker.running === 0);
      await consumption.close();
      await nodes.other.consume("jobs", worker.handle);
      await worker.hasBegun(6);
      assert.equal(attempts(worker), "1/1 2/1 3/1 1/2 2/2 3/2");
    });

    it("succeeds when repeated, when idle, and right after the start", async () => {
      const { handle } = new Worker();
      const idle = await nodes.one.consume("jobs", handle);
      await Promise.all([idle.close(), idle.close()]);
      await idle.close();
      await (await nodes.one.consume("jobs", handle)).close();
    });

    it("happens when its layer closes, which waits for running handlers", async () => {
      const gate = new Deferred();
      const worker = new Worker(() => gate.promise);
      await nodes.one.consume("jobs", worker.handle);
      await sendNumbers(nodes.other, "jobs", 1, 2);
      await worker.hasBegun(1);
      let isClosed = false;
      const closing = nodes.one.close().then(() => {
        isClosed = true;
      });
      const rest = await consumeJobs(nodes.other, "jobs", 1);
      assert.deepEqual([isClosed, rest.numbers], [false, [2]]);
      gate.resolve();
      await closing;
      await sendNumbers(nodes.other, "jobs", 3);
      await rest.hasBegun(2);
      assert.deepEqual(rest.numbers, [2, 3]);
      await assert.rejects(nodes.one.consume("jobs", worker.handle), LayerClosedError);
      await assert.rejects(nodes.one.send("jobs", { type: "job" }), LayerClosedError);
    });

    it("is not needed if the layer closes while consume is pending, because consume rejects", async () => {
      const worker = new Worker();
      const beginning = nodes.one.consume("jobs", worker.handle);
      const outcome = assert.rejects(beginning, LayerClosedError);
      await nodes.one.close();
      await outcome;
      await sendNumbers(nodes.other, "jobs", 1);
      await consumeJobs(nodes.other, "jobs", 1);
      assert.deepEqual(worker.numbers, []);
    });
  });
}
