import assert from "node:assert/strict";
import { QueueFullError } from "../../errors.ts";
import type { ChannelLayer } from "../../index.ts";
import { consumeJobs } from "../numbered-jobs.ts";
import type { Suite } from "../test-nodes.ts";
import { Worker } from "../worker.ts";

/** Sends a job that may be a repetition. */
const sendOnce = (layer: ChannelLayer, sender: string, number: number) =>
  layer.send(
    "jobs",
    { type: "job", number: `${sender}${number}` },
    { job: sender, once: { sender, number } },
  );

export function describeRepeatedJobs({ describe, it, nodes }: Suite): void {
  describe("a job with a number of its sender", () => {
    it("is added once, from any node, also if it is sent again later or at the same time", async () => {
      const { one, other } = nodes;
      await Promise.all([sendOnce(one, "a", 1), sendOnce(other, "a", 1), sendOnce(one, "b", 1)]);
      await sendOnce(one, "a", 3);
      for (const number of [1, 2, 3]) await sendOnce(other, "a", number);
      await sendOnce(one, "b", 2);
      await sendOnce(other, "a", 10);
      const worker = await consumeJobs(one, "jobs", 5);
      assert.deepEqual(worker.numbers.toSorted(), ["a1", "a10", "a3", "b1", "b2"]);
      assert.deepEqual(worker.begun[0]?.delivery.job, String(worker.numbers[0]).slice(0, 1));
    });

    it("is not added again once its queue is empty, or deleted", async () => {
      await sendOnce(nodes.one, "a", 1);
      const worker = await consumeJobs(nodes.one, "jobs", 1);
      await sendOnce(nodes.other, "a", 1);
      await sendOnce(nodes.other, "a", 2);
      await worker.hasBegun(2);
      await nodes.one.close();
      await sendOnce(nodes.other, "a", 3);
      await nodes.other.deleteQueue("jobs");
      await sendOnce(nodes.other, "a", 3);
      assert.deepEqual(worker.numbers, ["a1", "a2"]);
      assert.equal(await nodes.other.queueSize("jobs"), 0);
    });

    it("is refused by a full queue, and added later, unless the queue holds it", async () => {
      const small = await nodes.startNode({ queueCapacity: 1 });
      await sendOnce(small, "a", 1);
      await sendOnce(small, "a", 1);
      await assert.rejects(sendOnce(small, "a", 2), QueueFullError);
      const worker = new Worker();
      const consumption = await nodes.other.consume("jobs", worker.handle);
      await worker.hasBegun(1);
      await consumption.close();
      await sendOnce(small, "a", 2);
      assert.deepEqual((await consumeJobs(nodes.other, "jobs", 1)).numbers, ["a2"]);
    });
  });
}
