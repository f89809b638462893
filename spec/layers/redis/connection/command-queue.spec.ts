import { expect } from "chai";
import { SimulatedClock } from "xstate";
import { InvalidOptionError } from "../../../../layers/errors.ts";
import { CommandQueue } from "../../../../layers/redis/connection/command-queue.ts";
import {
  type CommandQueueOptions,
  commandLimits,
} from "../../../../layers/redis/connection/pubsub-settings.ts";

const bytes = (length = 1) => new Uint8Array(length);

/** A queue over a connection that a spec opens and breaks, and that replies on request. */
function start(options: CommandQueueOptions = {}, isUp = false) {
  const clock = new SimulatedClock();
  const sent: string[] = [];
  const answers: (() => void)[] = [];
  const outcomes: Record<string, string> = {};
  const connection = {
    isUp,
    isOpening: false,
    unavailable: (what: string) => new Error(what),
  };
  const queue = new CommandQueue(connection, commandLimits(options), clock);
  const publish = (topic: string, payload = bytes()) => {
    const command = () => {
      sent.push(topic);
      return new Promise<void>((resolve) => answers.push(resolve));
    };
    queue.run(payload.byteLength, command).then(
      () => {
        outcomes[topic] = "sent";
      },
      (error: Error) => {
        outcomes[topic] = error.message;
      },
    );
  };
  const answerAll = () => answers.splice(0).map((answer) => answer());
  return { clock, connection, queue, sent, outcomes, publish, answerAll };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("CommandQueue", () => {
  it("sends at once while the connection is up", async () => {
    const { sent, outcomes, publish, answerAll } = start({}, true);
    publish("a");
    expect(sent).to.deep.equal(["a"]);
    await turn();
    expect(outcomes).to.deep.equal({});
    answerAll();
    await turn();
    expect(outcomes).to.deep.equal({ a: "sent" });
  });

  it("sends waiting messages in order, and newer messages after them", async () => {
    const { connection, queue, sent, outcomes, publish, answerAll } = start();
    for (const topic of ["a", "b", "c"]) publish(topic);
    connection.isUp = true;
    publish("d");
    expect(sent).to.deep.equal([]);
    queue.flush();
    publish("e");
    expect(sent).to.deep.equal(["a", "b", "c", "d", "e"]);
    answerAll();
    await turn();
    expect(Object.values(outcomes)).to.deep.equal(["sent", "sent", "sent", "sent", "sent"]);
  });

  it("rejects a message that has waited too long, and never sends it", async () => {
    const { clock, connection, queue, sent, outcomes, publish } = start({ deadlineMs: 500 });
    publish("early");
    clock.increment(499);
    publish("late");
    await turn();
    expect(outcomes).to.deep.equal({});
    clock.increment(1);
    await turn();
    expect(outcomes).to.deep.equal({ early: "is not connected after 500 ms" });
    connection.isUp = true;
    queue.flush();
    expect(sent).to.deep.equal(["late"]);
  });

  it("rejects a message at once if too many messages wait", async () => {
    const { clock, outcomes, publish } = start({ capacity: 2, deadlineMs: 500 });
    for (const topic of ["a", "b", "c"]) publish(topic);
    await turn();
    expect(outcomes).to.deep.equal({ c: "is not connected" });
    clock.increment(500);
    publish("d");
    await turn();
    expect(Object.keys(outcomes).sort()).to.deep.equal(["a", "b", "c"]);
  });

  it("rejects a message at once if too many bytes wait", async () => {
    const { clock, outcomes, publish } = start({ maxBytes: 100, deadlineMs: 500 });
    publish("a", bytes(60));
    publish("b", bytes(41));
    publish("c", bytes(40));
    await turn();
    expect(outcomes).to.deep.equal({ b: "is not connected" });
    clock.increment(500);
    publish("d", bytes(100));
    await turn();
    expect(outcomes).not.to.have.property("d");
  });

  it("holds messages back while too many bytes await a frozen server, and sends them after it", async () => {
    const { sent, outcomes, publish, answerAll } = start({ capacity: 1 }, true);
    const mebibyte = bytes(1024 * 1024);
    for (let index = 0; index < 66; index += 1) publish(String(index), mebibyte);
    expect(sent).to.have.length(64);
    await turn();
    expect(outcomes).to.deep.equal({ 65: "replies too slowly" });
    answerAll();
    await turn();
    expect(sent.at(-1)).to.equal("64");
  });

  it("keeps commands without limits during the first attempt to connect, and in order", async () => {
    const { clock, connection, queue, sent, outcomes, publish } = start({ capacity: 1, maxBytes: 1 });
    connection.isOpening = true;
    for (const topic of ["a", "b"]) publish(topic, bytes(2));
    clock.increment(10_000);
    await turn();
    expect(outcomes).to.deep.equal({});
    connection.isOpening = false;
    connection.isUp = true;
    queue.flush();
    expect(sent).to.deep.equal(["a", "b"]);
  });

  it("applies the limits once the first attempt to connect has failed", async () => {
    const { clock, connection, queue, sent, outcomes, publish } = start({ capacity: 2, deadlineMs: 500 });
    connection.isOpening = true;
    for (const topic of ["a", "b", "c"]) publish(topic);
    connection.isOpening = false;
    queue.limit();
    await turn();
    expect(outcomes).to.deep.equal({ c: "is not connected" });
    clock.increment(500);
    await turn();
    const late = "is not connected after 500 ms";
    expect(outcomes).to.deep.equal({ a: late, b: late, c: "is not connected" });
    expect(queue.isEmpty).to.equal(true);
    connection.isUp = true;
    queue.flush();
    expect(sent).to.deep.equal([]);
  });

  it("lets waiting commands begin while it closes", async () => {
    const { connection, queue, sent, outcomes, publish, answerAll } = start();
    for (const topic of ["a", "b"]) publish(topic);
    let isClosed = false;
    const closing = queue.close(1_000).then(() => {
      isClosed = true;
    });
    await turn();
    expect(isClosed).to.equal(false);
    connection.isUp = true;
    queue.flush();
    await closing;
    expect(sent).to.deep.equal(["a", "b"]);
    answerAll();
    await turn();
    expect(outcomes).to.deep.equal({ a: "sent", b: "sent" });
  });

  it("rejects the commands that still wait after the time for closing, and leaves no timer", async () => {
    const { clock, queue, outcomes, publish } = start({ deadlineMs: 2_000 });
    publish("a");
    const closing = queue.close(1_000);
    clock.increment(999);
    await turn();
    expect(outcomes).to.deep.equal({});
    clock.increment(1);
    await closing;
    expect(outcomes).to.deep.equal({ a: "is not connected" });
    clock.increment(10_000);
    await turn();
    expect(outcomes).to.deep.equal({ a: "is not connected" });
  });

  it("closes as soon as the deadline has rejected the last command", async () => {
    const { clock, connection, queue, outcomes, publish } = start({ deadlineMs: 500 });
    connection.isOpening = true;
    publish("a");
    const closing = queue.close(60_000);
    connection.isOpening = false;
    queue.limit();
    clock.increment(500);
    await closing;
    expect(outcomes).to.deep.equal({ a: "is not connected after 500 ms" });
  });

  it("closes at once if the limits reject all commands that wait for the first attempt", async () => {
    const { connection, queue, outcomes, publish } = start({ capacity: 0 });
    connection.isOpening = true;
    publish("a");
    const closing = queue.close(60_000);
    connection.isOpening = false;
    queue.limit();
    await closing;
    expect(outcomes).to.deep.equal({ a: "is not connected" });
  });

  it("rejects invalid limits", () => {
    for (const name of ["capacity", "maxBytes", "deadlineMs"]) {
      for (const value of [-1, 0.5, Number.NaN, null, "5"]) {
        expect(() => commandLimits({ [name]: value })).to.throw(InvalidOptionError, `commandQueue.${name}`);
      }
    }
  });
});
