import assert from "node:assert/strict";
import { InvalidOptionError, QueueFullError } from "../../errors.ts";
import { handle, sendNumbers } from "../numbered-jobs.ts";
import type { Stage } from "../stage.ts";
import { Worker } from "../worker.ts";

export function describeQueueLimits(stage: Stage): void {
  it("a named channel is refused a capacity or expiry that makes no sense", async () => {
    for (const options of [
      { queueCapacity: 0 },
      { queueExpiryMs: 1.5 },
      { queueCapacity: [["jobs", Number.NaN]] as const },
      { queueExpiryMs: [["no such name", 1]] as const },
    ]) {
      await assert.rejects(async () => stage.startNode(undefined, options), InvalidOptionError);
    }
  });

  describe("a named channel that is full", () => {
    it("refuses messages, counted, until a handler is done with one", async () => {
      const small = await stage.startNode(undefined, { queueCapacity: 3 });
      const gates = [handle(), handle()];
      const worker = new Worker(({ message }) => gates[Number(message.number) - 1]?.released);
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
      gates[0]?.release();
      await worker.hasBegun(2);
      await small.send("jobs", { type: "job", number: 4 });
      gates[1]?.release();
      await worker.hasBegun(4);
      assert.deepEqual(worker.numbers, [1, 2, 3, 4]);
    });

    it("is so by its own capacity", async () => {
      const queueCapacity = [
        ["brief*", 1],
        ["*", 2],
      ] as const;
      const node = await stage.startNode(undefined, { queueCapacity });
      const capacities = { brief: 1, "brief-2": 1, jobs: 2 };
      for (const [channel, capacity] of Object.entries(capacities)) {
        await sendNumbers(node, channel, 1, capacity);
        await assert.rejects(node.send(channel, { type: "job" }), QueueFullError);
      }
    });

    it("takes dead letters all the same", async () => {
      const small = await stage.startNode(undefined, { queueCapacity: 1 });
      const worker = new Worker(() => Promise.reject(new Error("no")));
      const dead = new Worker();
      const consumption = await small.consume("jobs", worker.handle, { maxDeliveries: 1 });
      await sendNumbers(stage.other, "jobs", 1, 2);
      await worker.hasBegun(2);
      await consumption.close();
      // Those have made room.
      await small.send("jobs", { type: "job", number: 3 });
      await small.consume("jobs.dead", dead.handle);
      await dead.hasBegun(2);
    });
  });

  describe("a message that waits for too long", () => {
    const queueExpiryMs = [["brief", 1]] as const;

    it("is handed to nobody, gone, and counted, where its channel has an expiry", async () => {
      const node = await stage.startNode(undefined, { queueExpiryMs });
      await sendNumbers(stage.one, "brief", 1, 3);
      await sendNumbers(stage.one, "jobs", 1, 3);
      await moreThanAMillisecond();
      const [brief, jobs, rest, dead] = [new Worker(), new Worker(), new Worker(), new Worker()];
      await node.consume("jobs", jobs.handle);
      await jobs.hasBegun(3);
      const consumption = await node.consume("brief", brief.handle);
      await until(() => node.counters().dropped.expired === 3);
      await consumption.close();
      await stage.other.consume("brief", rest.handle);
      await stage.one.send("brief", { type: "job", number: 4 });
      await rest.hasBegun(1);
      await stage.other.consume("brief.dead", dead.handle);
      await stage.one.send("brief.dead", { type: "job", number: 5 });
      await dead.hasBegun(1);
      assert.deepEqual([brief.numbers, jobs.numbers], [[], [1, 2, 3]]);
      assert.deepEqual([rest.numbers, dead.numbers], [[4], [5]]);
      const { received, consumed, dropped } = node.counters();
      assert.deepEqual(
        { received, consumed, dropped },
        { received: 6, consumed: 3, dropped: { expired: 3 } },
      );
      assert.deepEqual(stage.errors, []);
    });

    it("is handled where its channel lets it wait for longer", async () => {
      const node = await stage.startNode(undefined, { queueExpiryMs: 3_600_000 });
      const worker = new Worker();
      await sendNumbers(stage.one, "brief", 1, 3);
      await moreThanAMillisecond();
      await node.consume("brief", worker.handle);
      await worker.hasBegun(3);
    });

    it("is tried again, however old it is, once it has been begun", async () => {
      const node = await stage.startNode(undefined, { queueExpiryMs });
      const worker = new Worker(({ delivery: { signal } }) => {
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      });
      const consumption = await stage.one.consume("brief", worker.handle);
      await stage.other.send("brief", { type: "job", number: 1 });
      await worker.hasBegun(1);
      await consumption.close();
      await moreThanAMillisecond();
      const rest = new Worker();
      await node.consume("brief", rest.handle);
      await rest.hasBegun(1);
      assert.deepEqual(rest.attempts, [[1, 2]]);
    });

    it("is kept as a dead letter until somebody looks at it", async () => {
      const node = await stage.startNode(undefined, { queueExpiryMs: 1 });
      const consumption = await stage.one.consume("jobs", () => Promise.reject(new Error("no")), {
        maxDeliveries: 1,
      });
      await stage.one.send("jobs", { type: "job", number: 1 });
      await until(() => stage.one.counters().dropped["dead-letter"] === 1);
      await consumption.close();
      await moreThanAMillisecond();
      const dead = new Worker();
      await node.consume("jobs.dead", dead.handle);
      await dead.hasBegun(1);
      assert.deepEqual(dead.numbers, [1]);
    });
  });
}

/** For what tells nobody when it changes: a counter, a clock. Ends by itself, or a failure would keep the process. */
async function until(holds: () => boolean): Promise<void> {
  const latest = performance.now() + 5_000;
  while (!holds()) {
    assert.ok(performance.now() < latest, "It does not happen.");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Has passed when this resolves, on each clock by which a message may be dated. */
function moreThanAMillisecond(): Promise<void> {
  const [date, time] = [Date.now(), performance.now()];
  return until(() => Date.now() - date > 2 && performance.now() - time > 2);
}
