import assert from "node:assert/strict";
import type { ChannelLayer } from "../channel-layer.ts";
import { InvalidNameError, LayerClosedError, QueueFullError } from "../errors.ts";
import type { Stage } from "./stage.ts";
import { type BegunJob, Worker } from "./worker.ts";

const garbage = Buffer.from("2a", "hex");
const forged = Buffer.from("81a474797065ab7873746174652e73746f70", "hex");

/** A promise that is settled from outside. */
function handle() {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { released, release };
}

async function sendNumbers(layer: ChannelLayer, channel: string, from: number, to: number): Promise<void> {
  const sends: Promise<void>[] = [];
  for (let number = from; number <= to; number += 1) sends.push(layer.send(channel, { type: "job", number }));
  await Promise.all(sends);
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

export function describeQueues(stage: Stage): void {
  const lack = stage.implementation.lacks?.queues;
  if (lack !== undefined) {
    it(`named channels as work queues (${lack})`);
    return;
  }
  const { enqueue } = stage.implementation;

  describe("named channels", () => {
    it("give each message to one worker, whoever sent it, wherever it is", async () => {
      const [near, far] = [new Worker(), new Worker()];
      await stage.one.consume("jobs", near.handle, { concurrency: 4 });
      await stage.other.consume("jobs", far.handle, { concurrency: 4 });
      await Promise.all([sendNumbers(stage.one, "jobs", 1, 200), sendNumbers(stage.other, "jobs", 201, 400)]);
      const all = () => [...near.begun, ...far.begun];
      await Promise.race([near, far].map((worker) => worker.until(() => all().length >= 400)));
      await Promise.all([near, far].map((worker) => worker.until(() => worker.running === 0)));
      await Promise.all([stage.one.close(), stage.other.close()]);
      assert.deepEqual(
        all()
          .map(({ message }) => Number(message.number))
          .sort((a, b) => a - b),
        numbers(1, 400),
      );
      assert.ok(all().every(({ delivery }) => delivery.attempt === 1));
    });

    it("keep messages until somebody works on them, also when their sender has gone", async () => {
      await stage.other.send("jobs", { type: "job", number: 1, bytes: new Uint8Array([0, 255]) });
      await stage.other.close();
      const worker = new Worker();
      await stage.one.consume("jobs", worker.handle);
      await worker.hasBegun(1);
      assert.deepEqual(worker.begun[0]?.message, {
        type: "job",
        number: 1,
        bytes: Buffer.from([0, 255]),
      });
      assert.ok(Object.isFrozen(worker.begun[0]?.message));
    });

    it("carry a message as it was when it was sent", async () => {
      const message = { type: "job", list: [1] };
      const sending = stage.one.send("jobs", message);
      message.list.push(2);
      await sending;
      const worker = new Worker();
      await stage.other.consume("jobs", worker.handle);
      await worker.hasBegun(1);
      assert.deepEqual(worker.begun[0]?.message.list, [1]);
    });

    it("are handled in order and one at a time, also where one has to be tried again", async () => {
      const worker = new Worker(({ message, delivery }) => {
        if (message.number === 20 && delivery.attempt < 3) throw new Error("not yet");
      });
      await sendNumbers(stage.one, "jobs", 1, 25);
      await stage.one.consume("jobs", worker.handle, { retryAfterMs: 1 });
      await sendNumbers(stage.one, "jobs", 26, 50);
      await worker.hasBegun(52);
      assert.deepEqual(worker.numbers, [...numbers(1, 20), 20, 20, ...numbers(21, 50)]);
      assert.equal(worker.most, 1);
    });

    it("are handled as many at once as was asked for, and no more", async () => {
      const gate = handle();
      const worker = new Worker(() => gate.released);
      await stage.one.consume("jobs", worker.handle, { concurrency: 3 });
      await sendNumbers(stage.other, "jobs", 1, 10);
      await worker.hasBegun(3);
      gate.release();
      await worker.hasBegun(10);
      assert.equal(worker.most, 3);
    });

    it("let one worker go on with what comes after a message that another one is busy with", async () => {
      const gate = handle();
      const busy = new Worker(() => gate.released);
      const idle = new Worker();
      await stage.one.consume("jobs", busy.handle);
      await stage.one.send("jobs", { type: "job", number: 1 });
      await busy.hasBegun(1);
      await stage.other.consume("jobs", idle.handle);
      await sendNumbers(stage.one, "jobs", 2, 10);
      await idle.hasBegun(9);
      assert.deepEqual(idle.numbers, numbers(2, 10));
      gate.release();
    });

    it("are apart from each other, and from those of another world", async () => {
      const workers = [new Worker(), new Worker(), new Worker()] as const;
      const elsewhere = await stage.startNode("spec-elsewhere");
      await stage.one.consume("jobs", workers[0].handle);
      await stage.one.consume("jobs2", workers[1].handle);
      const closing = await elsewhere.consume("jobs", workers[2].handle);
      await elsewhere.send("jobs", { type: "job", number: 3 });
      await stage.other.send("jobs2", { type: "job", number: 2 });
      await stage.other.send("jobs", { type: "job", number: 1 });
      await Promise.all(workers.map((worker) => worker.hasBegun(1)));
      assert.deepEqual(
        workers.map((worker) => worker.numbers),
        [[1], [2], [3]],
      );
      await closing.close();
    });

    it("leave the event loop its turns while one message begets another without end", async () => {
      const again = (job: BegunJob) => stage.one.send("jobs", { type: "job", number: job.message.number });
      const worker = new Worker(again);
      const consumption = await stage.one.consume("jobs", worker.handle);
      await stage.one.send("jobs", { type: "job", number: 1 });
      for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setTimeout(resolve, 0));
      await consumption.close();
    });

    it("add up: what was published, received and consumed", async () => {
      const worker = new Worker(({ delivery }) => {
        if (delivery.attempt === 1) throw new Error("not yet");
      });
      const consumption = await stage.other.consume("jobs", worker.handle, { retryAfterMs: 0 });
      await sendNumbers(stage.one, "jobs", 1, 3);
      await worker.hasBegun(6);
      await consumption.close();
      assert.deepEqual(stage.one.counters(), {
        published: 3,
        received: 0,
        delivered: 0,
        consumed: 0,
        dropped: {},
      });
      assert.deepEqual(stage.other.counters(), {
        published: 0,
        received: 6,
        delivered: 0,
        consumed: 3,
        dropped: {},
      });
    });

    it("are refused names that are too long for their dead letters, or hold a '!'", async () => {
      const longest = "x".repeat(94);
      const worker = new Worker();
      await stage.one.consume(longest, worker.handle);
      await stage.one.send(longest, { type: "job", number: 1 });
      await worker.hasBegun(1);
      await assert.rejects(stage.one.send(`${longest}x`, { type: "job" }), InvalidNameError);
      for (const name of [`${longest}x`, "a!b", "", "a b"]) {
        await assert.rejects(stage.one.consume(name, worker.handle), InvalidNameError);
      }
    });

    it("are refused numbers that make no sense", async () => {
      const { handle } = new Worker();
      for (const options of [
        { concurrency: 0 },
        { concurrency: 1.5 },
        { maxDeliveries: 0 },
        { claimAfterMs: 99 },
        { claimAfterMs: Number.NaN },
        { retryAfterMs: -1 },
      ]) {
        await assert.rejects(stage.one.consume("jobs", handle, options), RangeError);
      }
      await assert.rejects(async () => stage.startNode(undefined, { queueCapacity: 0 }), RangeError);
    });
  });

  describe("a message whose handler fails", () => {
    for (const [how, fail] of [
      ["rejects", () => Promise.reject(new Error("no"))],
      [
        "throws",
        () => {
          throw new Error("no");
        },
      ],
    ] as const) {
      it(`since it ${how}, comes again, is reported each time, and then is a dead letter`, async () => {
        const worker = new Worker();
        const handler = (message: BegunJob["message"], delivery: BegunJob["delivery"]) => {
          void worker.handle(message, delivery);
          return message.number === 1 ? fail() : undefined;
        };
        await stage.one.consume<BegunJob["message"]>("jobs", handler, { retryAfterMs: 1 });
        await sendNumbers(stage.other, "jobs", 1, 2);
        await worker.hasBegun(4);
        assert.deepEqual(worker.attempts, [
          [1, 1],
          [1, 2],
          [1, 3],
          [2, 1],
        ]);
        assert.deepEqual(
          stage.errors.map(([, where]) => where),
          [1, 2, 3].map((attempt) => ({ channel: "jobs", stage: "consume", attempt })),
        );
        const dead = new Worker();
        await stage.other.consume("jobs.dead", dead.handle);
        await dead.hasBegun(1);
        assert.deepEqual(dead.attempts, [[1, 1]]);
        assert.deepEqual(stage.one.counters().dropped, { "dead-letter": 1 });
      });
    }

    it("comes as often as was asked for", async () => {
      const worker = new Worker(() => Promise.reject(new Error("no")));
      const dead = new Worker();
      await stage.one.consume("jobs", worker.handle, { maxDeliveries: 1 });
      await stage.one.consume("jobs.dead", dead.handle);
      await sendNumbers(stage.one, "jobs", 1, 3);
      await dead.hasBegun(3);
      assert.deepEqual(worker.attempts, [
        [1, 1],
        [2, 1],
        [3, 1],
      ]);
      assert.deepEqual(dead.numbers, [1, 2, 3]);
    });

    it("comes after pauses that grow", async () => {
      const at: number[] = [];
      const worker = new Worker(() => {
        at.push(performance.now());
        throw new Error("no");
      });
      await stage.one.consume("jobs", worker.handle, { retryAfterMs: 40 });
      await stage.one.send("jobs", { type: "job", number: 1 });
      await worker.hasBegun(3);
      const [first = 0, second = 0, third = 0] = at;
      // Timers may fire a millisecond early.
      assert.ok(second - first >= 39 && third - second >= 79, at.join());
    });

    it("does not hold up what runs beside it", async () => {
      const worker = new Worker(({ message, delivery }) => {
        if (message.number === 1 && delivery.attempt === 1) throw new Error("not yet");
      });
      await stage.one.consume("jobs", worker.handle, { concurrency: 2, retryAfterMs: 60_000 });
      await sendNumbers(stage.one, "jobs", 1, 20);
      await worker.hasBegun(20);
      assert.equal(worker.begun.filter(({ message }) => message.number === 1).length, 1);
    });
  });

  describe("what is queued from elsewhere", () => {
    it("goes to the dead letters if it is garbage or of a refused type, and is counted", async () => {
      assert.ok(enqueue !== undefined);
      await stage.enqueue("jobs", garbage);
      await stage.enqueue("jobs", forged);
      await stage.one.send("jobs", { type: "job", number: 1 });
      const worker = new Worker();
      const consumption = await stage.one.consume("jobs", worker.handle);
      await worker.hasBegun(1);
      await consumption.close();
      assert.deepEqual(worker.numbers, [1]);
      assert.deepEqual(stage.one.counters().dropped, { garbage: 1, "refused-type": 1 });
      assert.equal(stage.errors.length, 1);
      await stage.one.send("jobs.dead", { type: "job", number: 2 });
      const dead = new Worker();
      await stage.other.consume("jobs.dead", dead.handle);
      await dead.hasBegun(1);
      assert.deepEqual(dead.numbers, [2]);
      assert.deepEqual(stage.other.counters().dropped, { garbage: 1, "refused-type": 1 });
    });
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

  describe("a consumption that closes", () => {
    it("begins nothing more, aborts the signal, waits for what runs, and leaves the rest to others", async () => {
      const gate = handle();
      const worker = new Worker(() => gate.released);
      const consumption = await stage.one.consume("jobs", worker.handle, { concurrency: 2 });
      await sendNumbers(stage.one, "jobs", 1, 10);
      await worker.hasBegun(2);
      const closing = consumption.close();
      assert.ok(worker.begun.every(({ delivery }) => delivery.signal.aborted));
      const rest = new Worker();
      await stage.other.consume("jobs", rest.handle);
      await rest.hasBegun(8);
      assert.equal(worker.running, 2);
      gate.release();
      await closing;
      assert.equal(worker.running, 0);
      assert.deepEqual(worker.attempts, [
        [1, 1],
        [2, 1],
      ]);
      assert.deepEqual(
        rest.attempts,
        numbers(3, 10).map((number) => [number, 1]),
      );
      await stage.one.send("jobs", { type: "job", number: 11 });
      await rest.hasBegun(9);
      assert.deepEqual(rest.attempts.at(-1), [11, 1]);
    });

    it("gives back unbegun, as if nothing had been, what was on its way when it closed", async () => {
      for (let round = 1; round <= 20; round += 1) {
        const worker = new Worker();
        const consumption = await stage.one.consume("jobs", worker.handle);
        const sending = sendNumbers(stage.other, "jobs", 1, 5);
        for (let turns = 0; turns < round; turns += 1) await new Promise((resolve) => setImmediate(resolve));
        const closing = consumption.close();
        const begun = worker.begun.length;
        await Promise.all([sending, closing]);
        assert.equal(worker.begun.length, begun);
        const rest = new Worker();
        const others = await stage.other.consume("jobs", rest.handle);
        await rest.hasBegun(5 - begun);
        await others.close();
        assert.deepEqual(
          [...worker.attempts, ...rest.attempts],
          numbers(1, 5).map((number) => [number, 1]),
        );
      }
    });

    it("gives back what its handler gave up, for another attempt, before what comes after", async () => {
      const worker = new Worker(({ delivery: { signal } }) => {
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      });
      const consumption = await stage.one.consume("jobs", worker.handle);
      await sendNumbers(stage.one, "jobs", 1, 3);
      await worker.hasBegun(1);
      await consumption.close();
      const rest = new Worker();
      await stage.other.consume("jobs", rest.handle);
      await rest.hasBegun(3);
      assert.deepEqual(rest.attempts, [
        [1, 2],
        [2, 1],
        [3, 1],
      ]);
    });

    it("does not wait for the pause before another attempt", async () => {
      const worker = new Worker(({ delivery }) => {
        if (delivery.attempt === 1) throw new Error("not yet");
      });
      const consumption = await stage.one.consume("jobs", worker.handle, { retryAfterMs: 3_600_000 });
      await stage.one.send("jobs", { type: "job", number: 1 });
      await worker.until(() => worker.begun.length === 1 && worker.running === 0);
      await consumption.close();
      await stage.other.consume("jobs", worker.handle);
      await worker.hasBegun(2);
      assert.deepEqual(worker.attempts, [
        [1, 1],
        [1, 2],
      ]);
    });

    it("may be closed twice, at once, idle, and right after it began", async () => {
      const { handle } = new Worker();
      const idle = await stage.one.consume("jobs", handle);
      await Promise.all([idle.close(), idle.close()]);
      await idle.close();
      await (await stage.one.consume("jobs", handle)).close();
    });

    it("is closed with its layer, which waits for the handlers that run", async () => {
      const gate = handle();
      const worker = new Worker(() => gate.released);
      await stage.one.consume("jobs", worker.handle);
      await sendNumbers(stage.other, "jobs", 1, 2);
      await worker.hasBegun(1);
      let isClosed = false;
      const closing = stage.one.close().then(() => {
        isClosed = true;
      });
      const rest = new Worker();
      await stage.other.consume("jobs", rest.handle);
      await rest.hasBegun(1);
      assert.deepEqual([isClosed, rest.numbers], [false, [2]]);
      gate.release();
      await closing;
      await stage.other.send("jobs", { type: "job", number: 3 });
      await rest.hasBegun(2);
      assert.deepEqual(rest.numbers, [2, 3]);
      await assert.rejects(stage.one.consume("jobs", worker.handle), LayerClosedError);
      await assert.rejects(stage.one.send("jobs", { type: "job" }), LayerClosedError);
    });

    it("is none if its layer closed while it was on its way", async () => {
      const worker = new Worker();
      const beginning = stage.one.consume("jobs", worker.handle);
      const outcome = beginning.then(
        () => "begun",
        (error: unknown) => error,
      );
      await stage.one.close();
      assert.ok((await outcome) instanceof LayerClosedError);
      await stage.other.send("jobs", { type: "job", number: 1 });
      const rest = new Worker();
      await stage.other.consume("jobs", rest.handle);
      await rest.hasBegun(1);
      assert.deepEqual(worker.numbers, []);
    });
  });
}
