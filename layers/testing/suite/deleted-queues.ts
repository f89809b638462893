import assert from "node:assert/strict";
import { Deferred } from "../../deferred.ts";
import { InvalidNameError } from "../../errors.ts";
import { attempts, consumeJobs, sendNumbers } from "../numbered-jobs.ts";
import type { Suite } from "../test-nodes.ts";
import { until } from "../waiting.ts";
import { Worker } from "../worker.ts";

export function describeDeletedQueues({ describe, it, nodes }: Suite): void {
  describe("a named channel that is deleted", () => {
    it("loses its messages, whose number is returned, and keeps later messages", async () => {
      await sendNumbers(nodes.one, "jobs", 1, 3);
      await sendNumbers(nodes.one, "jobs2", 4);
      assert.equal(await nodes.other.deleteQueue("jobs"), 3);
      assert.equal(await nodes.one.deleteQueue("jobs"), 0);
      await sendNumbers(nodes.other, "jobs", 5);
      assert.equal(attempts(await consumeJobs(nodes.one, "jobs", 1)), "5/1");
      assert.equal(attempts(await consumeJobs(nodes.one, "jobs2", 1)), "4/1");
      assert.equal(await nodes.one.deleteQueue("unknown"), 0);
      assert.deepEqual(nodes.errors, []);
    });

    it("keeps its dead letters, which are deleted by their own name", async () => {
      const worker = new Worker(() => Promise.reject(new Error("no")));
      const consumption = await nodes.one.consume("jobs", worker.handle, { maxDeliveries: 1 });
      await sendNumbers(nodes.one, "jobs", 1, 2);
      await worker.hasBegun(2);
      await consumption.close();
      assert.equal(await nodes.one.deleteQueue("jobs"), 0);
      assert.equal(await nodes.one.deleteQueue("jobs.dead"), 2);
      await sendNumbers(nodes.one, "jobs.dead", 3);
      assert.equal(attempts(await consumeJobs(nodes.other, "jobs.dead", 1)), "3/1");
    });

    for (const outcome of ["succeeds", "fails", "fails for good", "is given back"]) {
      it(`aborts a running handler, has no use for its outcome, and continues (it ${outcome})`, async () => {
        const worker = new Worker(async ({ message, delivery: { signal } }) => {
          if (message.number !== 1) return;
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          if (outcome.startsWith("fails")) throw new Error("no");
          if (outcome === "is given back") throw signal.reason;
        });
        const ended: unknown[] = [];
        const options = {
          claimAfterMs: 100,
          retryAfterMs: 0,
          maxDeliveries: outcome === "fails for good" ? 1 : 3,
        };
        await nodes.one.consume("jobs", worker.handle, {
          ...options,
          onDone: ({ number }) => ended.push(number),
          onDead: ({ number }) => ended.push(number),
        });
        await sendNumbers(nodes.other, "jobs", 1, 2);
        await worker.hasBegun(1);
        assert.equal(await nodes.other.deleteQueue("jobs"), 2);
        await sendNumbers(nodes.other, "jobs", 3, 5);
        await worker.hasBegun(4);
        await worker.until(() => worker.running === 0);
        assert.equal(attempts(worker), "1/1 3/1 4/1 5/1");
        await until(() => ended.length === 3);
        assert.deepEqual(ended, [3, 4, 5]);
        assert.deepEqual(
          nodes.errors.map(([, { stage }]) => stage),
          outcome === "fails" ? ["consume"] : [],
        );
        assert.equal(nodes.one.counters().dropped["queue-lost"], undefined);
        assert.equal(await nodes.one.deleteQueue("jobs.dead"), 0);
      });
    }

    it("wakes an idle worker, which gets later messages", async () => {
      const worker = new Worker();
      await nodes.one.consume("jobs", worker.handle);
      for (const number of [1, 2, 3]) {
        await nodes.other.deleteQueue("jobs");
        await sendNumbers(nodes.other, "jobs", number);
        await worker.hasBegun(number);
      }
      assert.equal(attempts(worker), "1/1 2/1 3/1");
      assert.deepEqual(nodes.errors, []);
    });

    it("has room for as many messages as before", async () => {
      const node = await nodes.startNode({ queueCapacity: 2 });
      const gate = new Deferred();
      const worker = new Worker(() => gate.promise);
      await node.consume("jobs", worker.handle);
      await sendNumbers(node, "jobs", 1, 2);
      await worker.hasBegun(1);
      await node.deleteQueue("jobs");
      await sendNumbers(node, "jobs", 3, 4);
      gate.resolve();
      await worker.hasBegun(3);
      await worker.until(() => worker.running === 0);
      assert.equal(attempts(worker), "1/1 3/1 4/1");
    });

    it("has a valid name", async () => {
      for (const name of ["a!b", "", "a b"])
        await assert.rejects(nodes.one.deleteQueue(name), InvalidNameError);
    });
  });
}
