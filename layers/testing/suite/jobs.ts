import assert from "node:assert/strict";
import { Deferred } from "../../deferred.ts";
import { InvalidNameError, InvalidOptionError } from "../../errors.ts";
import { attempts, consumeJobs, numbers, sendNumbers } from "../numbered-jobs.ts";
import type { Suite } from "../test-nodes.ts";
import { moreThanAMillisecond, until } from "../waiting.ts";
import { type BegunJob, Worker } from "../worker.ts";

export function describeJobs({ describe, it, nodes }: Suite): void {
  describe("named channels", () => {
    it("deliver each message to exactly one worker, from any node to any node", async () => {
      const [near, far] = [new Worker(), new Worker()];
      await nodes.one.consume("jobs", near.handle, { concurrency: 4 });
      await nodes.other.consume("jobs", far.handle, { concurrency: 4 });
      await Promise.all([sendNumbers(nodes.one, "jobs", 1, 200), sendNumbers(nodes.other, "jobs", 201, 400)]);
      const all = () => [...near.begun, ...far.begun];
      await Promise.race([near, far].map((worker) => worker.until(() => all().length >= 400)));
      await Promise.all([near, far].map((worker) => worker.until(() => worker.running === 0)));
      await Promise.all([nodes.one.close(), nodes.other.close()]);
      assert.deepEqual(
        all()
          .map(({ message }) => Number(message.number))
          .sort((a, b) => a - b),
        numbers(1, 400),
      );
      assert.ok(all().every(({ delivery }) => delivery.attempt === 1));
    });

    it("keep messages until a worker consumes them, also after the sender's node has closed", async () => {
      await nodes.other.send("jobs", { type: "job", number: 1, bytes: new Uint8Array([0, 255]) });
      await nodes.other.close();
      const worker = await consumeJobs(nodes.one, "jobs", 1);
      const bytes = Buffer.from([0, 255]);
      assert.deepEqual(worker.begun[0]?.message, { type: "job", number: 1, bytes });
      assert.ok(Object.isFrozen(worker.begun[0]?.message));
    });

    it("deliver a message as it was when send was called", async () => {
      const message = { type: "job", list: [1] };
      const sending = nodes.one.send("jobs", message);
      message.list.push(2);
      await sending;
      const worker = await consumeJobs(nodes.other, "jobs", 1);
      assert.deepEqual(worker.begun[0]?.message.list, [1]);
    });

    it("deliver messages in order and one at a time, except for a retry, which comes later", async () => {
      const worker = new Worker(({ message, delivery }) => {
        if (message.number === 20 && delivery.attempt < 3) throw new Error("not yet");
      });
      await sendNumbers(nodes.one, "jobs", 1, 25);
      await nodes.one.consume("jobs", worker.handle, { retryAfterMs: 1 });
      await sendNumbers(nodes.one, "jobs", 26, 50);
      await worker.hasBegun(52);
      const first = worker.attempts.filter(([, attempt]) => attempt === 1);
      const retries = worker.attempts.filter(([, attempt]) => attempt > 1);
      assert.deepEqual(
        first.map(([number]) => number),
        numbers(1, 50),
      );
      assert.deepEqual(retries, [
        [20, 2],
        [20, 3],
      ]);
      assert.equal(worker.most, 1);
    });

    it("call onDone with the result once a message is handled, and report its error", async () => {
      const done: unknown[] = [];
      const both = new Deferred();
      await nodes.one.consume("jobs", (message) => Promise.resolve(Number(message.number) * 2), {
        onDone: async (message, { attempt }, result) => {
          done.push([message.number, attempt, result]);
          if (done.length === 2) both.resolve();
          throw new Error("not reported elsewhere");
        },
      });
      await sendNumbers(nodes.other, "jobs", 1, 2);
      await both.promise;
      await nodes.one.close();
      assert.deepEqual(done, [
        [1, 1, 2],
        [2, 1, 4],
      ]);
      const place = { channel: "jobs", stage: "consume", attempt: 1 };
      assert.deepEqual(
        nodes.errors.map(([error, where]) => [(error as Error).message, where]),
        [1, 2].map(() => ["not reported elsewhere", place]),
      );
    });

    it("run at most `concurrency` handlers at once", async () => {
      const gate = new Deferred();
      const worker = new Worker(() => gate.promise);
      await nodes.one.consume("jobs", worker.handle, { concurrency: 3 });
      await sendNumbers(nodes.other, "jobs", 1, 10);
      await worker.hasBegun(3);
      gate.resolve();
      await worker.hasBegun(10);
      assert.equal(worker.most, 3);
    });

    it("deliver later messages to an idle worker while another one is busy", async () => {
      const gate = new Deferred();
      const busy = new Worker(() => gate.promise);
      await nodes.one.consume("jobs", busy.handle);
      await sendNumbers(nodes.one, "jobs", 1);
      await busy.hasBegun(1);
      const idle = new Worker();
      await nodes.other.consume("jobs", idle.handle);
      await sendNumbers(nodes.one, "jobs", 2, 10);
      await idle.hasBegun(9);
      assert.deepEqual(idle.numbers, numbers(2, 10));
      gate.resolve();
    });

    it("are isolated from each other, and from channels under another prefix", async () => {
      const workers = [new Worker(), new Worker(), new Worker()] as const;
      const elsewhere = await nodes.startNode({}, "elsewhere");
      await nodes.one.consume("jobs", workers[0].handle);
      await nodes.one.consume("jobs2", workers[1].handle);
      const closing = await elsewhere.consume("jobs", workers[2].handle);
      await sendNumbers(elsewhere, "jobs", 3);
      await sendNumbers(nodes.other, "jobs2", 2);
      await sendNumbers(nodes.other, "jobs", 1);
      await Promise.all(workers.map((worker) => worker.hasBegun(1)));
      assert.deepEqual(
        workers.map((worker) => worker.numbers),
        [[1], [2], [3]],
      );
      await closing.close();
    });

    it("yield to the event loop while each handler sends the next message, endlessly", async () => {
      const again = (job: BegunJob) => nodes.one.send("jobs", { type: "job", number: job.message.number });
      const worker = new Worker(again);
      const consumption = await nodes.one.consume("jobs", worker.handle);
      await sendNumbers(nodes.one, "jobs", 1);
      for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setTimeout(resolve, 0));
      await consumption.close();
    });

    it("list the running jobs, the longest-running first", async () => {
      const gate = new Deferred();
      const worker = new Worker(() => gate.promise);
      const consumption = await nodes.one.consume("jobs", worker.handle, { concurrency: 2 });
      const other = await nodes.one.consume("others", worker.handle);
      assert.deepEqual([consumption.running, nodes.one.runningJobs], [[], []]);
      await nodes.other.send("jobs", { type: "job", number: 1 }, { job: "first" });
      await worker.hasBegun(1);
      await moreThanAMillisecond();
      await sendNumbers(nodes.other, "others", 2);
      await worker.hasBegun(2);
      await moreThanAMillisecond();
      await sendNumbers(nodes.other, "jobs", 3);
      await worker.hasBegun(3);
      const jobs = nodes.one.runningJobs;
      assert.deepEqual(
        jobs.map(({ channel, id, attempt }) => [channel, id, attempt]),
        [
          ["jobs", "first", 1],
          ["others", undefined, 1],
          ["jobs", undefined, 1],
        ],
      );
      assert.ok(Number(jobs[0]?.runningMs) > Number(jobs[2]?.runningMs) + 2);
      assert.deepEqual(
        consumption.running.map(({ id }) => id),
        ["first", undefined],
      );
      assert.equal(other.running.length, 1);
      gate.resolve();
      await worker.until(() => worker.running === 0);
      await until(() => nodes.one.runningJobs.length === 0);
    });

    it("count published, received and consumed messages", async () => {
      const worker = new Worker(({ delivery }) => {
        if (delivery.attempt === 1) throw new Error("not yet");
      });
      const consumption = await nodes.other.consume("jobs", worker.handle, { retryAfterMs: 0 });
      await sendNumbers(nodes.one, "jobs", 1, 3);
      await worker.hasBegun(6);
      await consumption.close();
      const none = { published: 0, received: 0, delivered: 0, consumed: 0, retried: 0, gaps: 0, dropped: {} };
      assert.deepEqual(nodes.one.counters(), { ...none, published: 3 });
      assert.deepEqual(nodes.other.counters(), { ...none, received: 6, consumed: 3, retried: 3 });
    });

    it("refuse names that are too long for their dead letters, or contain '!'", async () => {
      const longest = "x".repeat(94);
      const worker = new Worker();
      await nodes.one.consume(longest, worker.handle);
      await sendNumbers(nodes.one, longest, 1);
      await worker.hasBegun(1);
      await assert.rejects(nodes.one.send(`${longest}x`, { type: "job" }), InvalidNameError);
      for (const name of [`${longest}x`, "a!b", "", "a b"]) {
        await assert.rejects(nodes.one.consume(name, worker.handle), InvalidNameError);
      }
    });

    it("refuse a handler that is not a function, which consumes no message", async () => {
      await sendNumbers(nodes.one, "jobs", 1);
      for (const handler of [undefined, null, {}]) {
        await assert.rejects(nodes.one.consume("jobs", handler as never), TypeError);
      }
      assert.equal(attempts(await consumeJobs(nodes.one, "jobs", 1)), "1/1");
    });

    it("refuse invalid options", async () => {
      const { handle } = new Worker();
      for (const options of [
        { concurrency: 0 },
        { concurrency: 1.5 },
        { maxDeliveries: 0 },
        { claimAfterMs: 99 },
        { claimAfterMs: Number.NaN },
        { retryAfterMs: -1 },
        { timeoutMs: 0 },
        { timeoutMs: 2 ** 31 },
      ]) {
        await assert.rejects(nodes.one.consume("jobs", handle, options), InvalidOptionError);
      }
    });
  });
}
