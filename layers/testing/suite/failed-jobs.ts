import assert from "node:assert/strict";
import { Deferred } from "../../deferred.ts";
import type { GreenroomError } from "../../errors.ts";
import type { ConsumeOptions } from "../../index.ts";
import { attempts, consumeJobs, numbers, sendNumbers } from "../numbered-jobs.ts";
import type { Suite } from "../test-nodes.ts";
import { moreThanAMillisecond, until } from "../waiting.ts";
import { type BegunJob, Worker } from "../worker.ts";

const garbage = Buffer.from("2a", "hex");
const forged = Buffer.from("81a474797065ab7873746174652e73746f70", "hex");
/** `forged` with the address `{ replyTo: "a!b", job: "7" }`. */
const addressed = Buffer.concat([
  Buffer.from("82a474797065ab7873746174652e73746f70ad5f5f677265656e726f6f6d5f5f82a77265706c79546fa3", "hex"),
  Buffer.from("a!b"),
  Buffer.from("a36a6f62a137", "hex"),
]);

const reject = () => Promise.reject(new Error("no"));
const failures = {
  rejects: reject,
  throws() {
    throw new Error("no");
  },
};

export function describeFailedJobs({ describe, it, nodes }: Suite): void {
  describe("a job whose handler fails", () => {
    for (const [failure, fail] of Object.entries(failures)) {
      it(`is retried, reported each time, and then a dead letter, if the handler ${failure}`, async () => {
        const worker = new Worker();
        const handler = (message: BegunJob["message"], delivery: BegunJob["delivery"]) => {
          void worker.handle(message, delivery);
          return message.number === 1 ? fail() : undefined;
        };
        await nodes.one.consume<BegunJob["message"]>("jobs", handler, { retryAfterMs: 1 });
        await sendNumbers(nodes.other, "jobs", 1, 2);
        await worker.hasBegun(4);
        assert.deepEqual(attempts(worker).split(" ").sort(), ["1/1", "1/2", "1/3", "2/1"]);
        assert.equal(attempts(await consumeJobs(nodes.other, "jobs.dead", 1)), "1/1");
        assert.deepEqual(
          nodes.errors.map(([, where]) => where),
          [1, 2, 3].map((attempt) => ({ channel: "jobs", stage: "consume", attempt })),
        );
        assert.deepEqual(nodes.one.counters().dropped, { "dead-letter": 1 });
      });
    }

    it("is delivered maxDeliveries times", async () => {
      const worker = new Worker(reject);
      const dead = new Worker();
      await nodes.one.consume("jobs", worker.handle, { maxDeliveries: 1 });
      await nodes.one.consume("jobs.dead", dead.handle);
      await sendNumbers(nodes.one, "jobs", 1, 3);
      await dead.hasBegun(3);
      assert.equal(attempts(worker), "1/1 2/1 3/1");
      assert.deepEqual(dead.numbers, [1, 2, 3]);
    });

    for (const length of [89, 90, 94]) {
      it(`becomes a dead letter that can be consumed and fail again, under a name of ${length} characters`, async () => {
        const name = "x".repeat(length);
        await nodes.one.consume(name, reject, { maxDeliveries: 1 });
        await nodes.one.consume(`${name}.dead`, reject, { maxDeliveries: 1 });
        const dead = consumeJobs(nodes.one, `${name}.dead.dead`, 1);
        await sendNumbers(nodes.other, name, 1);
        assert.deepEqual((await dead).numbers, [1]);
      });
    }

    it("is retried after growing pauses", async () => {
      const at: number[] = [];
      const worker = new Worker(() => {
        at.push(performance.now());
        throw new Error("no");
      });
      await nodes.one.consume("jobs", worker.handle, { retryAfterMs: 40 });
      await sendNumbers(nodes.one, "jobs", 1);
      await worker.hasBegun(3);
      const [first = 0, second = 0, third = 0] = at;
      // Timers may fire a millisecond early.
      assert.ok(second - first >= 39 && third - second >= 79, at.join());
    });

    for (const concurrency of [1, 4]) {
      it(`needs no slot until its retry, so it does not delay other jobs (concurrency ${concurrency})`, async () => {
        const worker = new Worker(({ message }) => {
          if (Number(message.number) <= 8) throw new Error("not yet");
        });
        await nodes.one.consume("jobs", worker.handle, { concurrency, retryAfterMs: 60_000 });
        await sendNumbers(nodes.one, "jobs", 1, 20);
        await worker.hasBegun(20);
        assert.deepEqual(worker.numbers, numbers(1, 20));
      });
    }

    it("is retried as soon as its pause has passed, even if no other job arrives", async () => {
      const worker = new Worker(reject);
      await nodes.one.consume("jobs", worker.handle, { retryAfterMs: 0, maxDeliveries: 30 });
      await sendNumbers(nodes.one, "jobs", 1);
      await worker.hasBegun(30);
      assert.equal(worker.most, 1);
    });

    it("waits for a free slot after its pause", async () => {
      const gate = new Deferred();
      const worker = new Worker(({ message }) => {
        if (message.number === 2) return gate.promise;
        throw new Error("not yet");
      });
      await nodes.one.consume("jobs", worker.handle, { retryAfterMs: 1, maxDeliveries: 2 });
      await sendNumbers(nodes.one, "jobs", 1, 2);
      await worker.until(() => worker.numbers.includes(2));
      await moreThanAMillisecond();
      gate.resolve();
      await worker.until(() => worker.attempts.some(([number, attempt]) => number === 1 && attempt === 2));
      assert.equal(worker.most, 1);
    });
  });

  describe("a job of a foreign program", () => {
    it("is passed to onDead with its address if it is of a refused type", async () => {
      const dead: unknown[] = [];
      const onDead: ConsumeOptions["onDead"] = ({ type }, { attempt, replyTo, job }, error) =>
        dead.push([type, attempt, replyTo, job, (error as GreenroomError).code]);
      await nodes.one.consume("jobs", () => {}, { onDead });
      await nodes.enqueue("jobs", addressed);
      await nodes.enqueue("jobs", garbage);
      await until(() => nodes.errors.length > 0);
      assert.deepEqual(dead, [["xstate.stop", 1, "a!b", "7", "ERR_INVALID_MESSAGE"]]);
      assert.deepEqual(nodes.one.counters().dropped, { garbage: 1, "refused-type": 1 });
    });

    it("is moved to the dead letters and counted if it is garbage or of a refused type", async () => {
      await nodes.enqueue("jobs", garbage);
      await nodes.enqueue("jobs", forged);
      await sendNumbers(nodes.one, "jobs", 1);
      const worker = new Worker();
      const consumption = await nodes.one.consume("jobs", worker.handle);
      await worker.hasBegun(1);
      await consumption.close();
      assert.deepEqual(worker.numbers, [1]);
      assert.deepEqual(nodes.one.counters().dropped, { garbage: 1, "refused-type": 1 });
      assert.equal(nodes.errors.length, 1);
      await sendNumbers(nodes.one, "jobs.dead", 2);
      const dead = await consumeJobs(nodes.other, "jobs.dead", 1);
      assert.deepEqual(dead.numbers, [2]);
      assert.deepEqual(nodes.other.counters().dropped, { garbage: 1, "refused-type": 1 });
    });
  });
}
