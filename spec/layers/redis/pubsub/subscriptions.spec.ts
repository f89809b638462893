import { expect } from "chai";
import fc from "fast-check";
import { ReplyError } from "ioredis";
import { SimulatedClock } from "xstate";
import { LayerUnavailableError } from "../../../../layers/errors.ts";
import { Subscriptions } from "../../../../layers/redis/pubsub/subscriptions.ts";

/** A connection to a server that replies on request, in order, and loses all subscriptions when it breaks. */
class Connection {
  readonly live = new Set<string>();
  readonly commands: string[] = [];
  /** Topics that must not be subscribed. The server refuses a command that contains such a topic. */
  readonly forbidden = new Set<string>();
  #questions: {
    command: string;
    topics: readonly string[];
    take(): void;
    resolve(): void;
    reject(error: Error): void;
  }[] = [];

  subscribe = (topics: readonly string[]) =>
    this.#ask("subscribe", topics, () => topics.map((topic) => this.live.add(topic)));

  unsubscribe = (topics: readonly string[]) =>
    this.#ask("unsubscribe", topics, () => topics.map((topic) => this.live.delete(topic)));

  readonly forgotten: string[] = [];

  forget = (topic: string) => this.forgotten.push(topic);

  async answer(): Promise<void> {
    const question = this.#questions.shift();
    const isForbidden = question?.topics.some((topic) => this.forbidden.has(topic));
    if (isForbidden && question?.command === "subscribe") {
      const cause = new ReplyError("NOPERM");
      question.reject(new LayerUnavailableError("refused", { cause }));
    } else {
      question?.take();
      question?.resolve();
    }
    await turn();
  }

  /** Fails one command without a reply, while the connection stays up. */
  async fail(): Promise<void> {
    await turn();
    this.#questions.shift()?.reject(new Error("no answer"));
    await turn();
  }

  async answerAll(): Promise<void> {
    await turn();
    while (this.#questions.length > 0) await this.answer();
  }

  break(): void {
    this.live.clear();
    for (const { reject } of this.#questions.splice(0)) reject(new Error("broken"));
  }

  #ask(command: string, topics: readonly string[], take: () => unknown): Promise<void> {
    this.commands.push(`${command} ${topics}`);
    return new Promise((resolve, reject) => this.#questions.push({ command, topics, take, resolve, reject }));
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function start() {
  const connection = new Connection();
  const clock = new SimulatedClock();
  const heard: string[] = [];
  const subscriptions = new Subscriptions(
    connection,
    {
      payload: (topic) => heard.push(`payload ${topic}`),
      gap: (topic) => heard.push(`gap ${topic}`),
      error: (error) => heard.push(`error ${error.message}`),
    },
    { ms: 1_000, clock, late: () => new Error("too late") },
  );
  const outage = () => {
    // As in ioredis, `close` is emitted before the commands reject.
    subscriptions.down();
    connection.break();
  };
  return { connection, clock, heard, subscriptions, outage };
}

describe("Subscriptions", () => {
  it("sends the topics of one turn in one command", async () => {
    const { connection, subscriptions } = start();
    subscriptions.up();
    const joins = ["a", "b", "c"].map((topic) => subscriptions.subscribe(topic));
    await connection.answerAll();
    await Promise.all(joins);
    const leaves = ["a", "b"].map((topic) => subscriptions.unsubscribe(topic));
    await connection.answerAll();
    await Promise.all(leaves);
    expect(connection.commands).to.deep.equal(["subscribe a,b,c", "unsubscribe a,b"]);
  });

  // A command for several shards has one reply, so a topic can receive payloads long before the reply.
  it("reports a gap for a topic that received payloads before the reply, if the connection then breaks", async () => {
    for (const fault of ["no reply", "a failure"]) {
      const { connection, heard, subscriptions, outage } = start();
      subscriptions.up();
      const joins = ["a", "b"].map((topic) => subscriptions.subscribe(topic));
      await turn();
      subscriptions.payload("a", new Uint8Array());
      if (fault === "a failure") await connection.fail();
      outage();
      subscriptions.up();
      await connection.answerAll();
      await Promise.all(joins);
      subscriptions.payload("a", new Uint8Array());
      subscriptions.payload("b", new Uint8Array());
      expect(heard, fault).to.deep.equal(["payload a", "gap a", "payload a", "payload b"]);
    }
  });

  it("splits too many topics into several commands", async () => {
    const { connection, subscriptions } = start();
    subscriptions.up();
    const joins = Array.from({ length: 2_500 }, (_, index) => subscriptions.subscribe(String(index)));
    await connection.answerAll();
    await Promise.all(joins);
    expect(connection.commands).to.have.length(3);
  });

  it("reports a gap before the first payload of the topic, even before the confirmation", async () => {
    const { connection, heard, subscriptions, outage } = start();
    subscriptions.up();
    void subscriptions.subscribe("a");
    void subscriptions.subscribe("b");
    await connection.answerAll();
    outage();
    subscriptions.up();
    subscriptions.payload("a", new Uint8Array());
    await connection.answerAll();
    subscriptions.payload("b", new Uint8Array());
    expect(heard).to.deep.equal(["gap a", "payload a", "gap b", "payload b"]);
  });

  it("reports one gap if the connection breaks again before all topics are confirmed", async () => {
    const { connection, heard, subscriptions, outage } = start();
    subscriptions.up();
    void subscriptions.subscribe("a");
    await connection.answerAll();
    for (let cuts = 0; cuts < 3; cuts += 1) {
      outage();
      subscriptions.up();
    }
    await connection.answerAll();
    expect(heard).to.deep.equal(["gap a"]);
  });

  it("reports no gap for a topic that was never live", async () => {
    const { connection, heard, subscriptions, outage } = start();
    subscriptions.up();
    const joining = subscriptions.subscribe("a");
    await turn();
    outage();
    const waiting = subscriptions.subscribe("b");
    subscriptions.up();
    await connection.answerAll();
    await Promise.all([joining, waiting]);
    expect(heard).to.deep.equal([]);
  });

  describe("if the server refuses", () => {
    const outcome = (join: Promise<void>) =>
      join.then(
        () => "joined",
        (error: Error) => error.message,
      );

    it("rejects the refused topics and no others, and leaves nothing behind", async () => {
      const { connection, clock, heard, subscriptions, outage } = start();
      connection.forbidden.add("b");
      subscriptions.up();
      const joins = ["a", "b", "c"].map((topic) => outcome(subscriptions.subscribe(topic)));
      await connection.answerAll();
      expect(await Promise.all(joins)).to.deep.equal(["joined", "refused", "joined"]);
      expect(connection.commands).to.deep.equal([
        "subscribe a,b,c",
        "subscribe a",
        "subscribe b",
        "subscribe c",
      ]);
      connection.forbidden.clear();
      clock.increment(60_000);
      await connection.answerAll();
      outage();
      subscriptions.up();
      await connection.answerAll();
      expect([...connection.live]).to.deep.equal(["a", "c"]);
      expect(heard).to.deep.equal(["gap a", "gap c"]);
    });

    it("retries a topic that was live with growing pauses, and reports one refusal and one gap", async () => {
      const { connection, clock, heard, subscriptions, outage } = start();
      subscriptions.up();
      for (const topic of ["a", "b", "c"]) void subscriptions.subscribe(topic);
      await connection.answerAll();
      outage();
      connection.forbidden.add("a").add("b");
      subscriptions.up();
      await connection.answerAll();
      expect(heard.splice(0)).to.deep.equal([
        'error refused ("a", and possibly other topics, receives nothing until the server accepts it again)',
        "gap c",
      ]);
      const triesWithin = async (ms: number) => {
        const before = connection.commands.length;
        for (let passed = 0; passed < ms; passed += 10) {
          clock.increment(10);
          await connection.answerAll();
        }
        return connection.commands.slice(before).filter((command) => command === "subscribe a").length;
      };
      expect(await triesWithin(2_000)).to.be.within(3, 8);
      expect(await triesWithin(20_000)).to.be.within(4, 9);
      connection.forbidden.delete("a");
      await triesWithin(5_000);
      expect(heard.splice(0)).to.deep.equal(["gap a"]);
      connection.forbidden.delete("b");
      await triesWithin(5_000);
      expect(heard.splice(0)).to.deep.equal(["gap b"]);
      const commands = connection.commands.length;
      await triesWithin(10_000);
      expect(connection.commands).to.have.length(commands);
      outage();
      connection.forbidden.add("a");
      subscriptions.up();
      await connection.answerAll();
      expect(heard.map((what) => what.slice(0, 7))).to.deep.equal(["error r", "gap b", "gap c"]);
    });

    it("does not report the refusal again after another outage", async () => {
      const { connection, clock, heard, subscriptions, outage } = start();
      subscriptions.up();
      void subscriptions.subscribe("a");
      await connection.answerAll();
      connection.forbidden.add("a");
      for (let cuts = 0; cuts < 3; cuts += 1) {
        outage();
        clock.increment(10_000);
        subscriptions.up();
        await connection.answerAll();
      }
      expect(heard).to.have.length(1);
      connection.forbidden.clear();
      clock.increment(5_000);
      await connection.answerAll();
      expect(heard.slice(1)).to.deep.equal(["gap a"]);
    });

    it("retries no topic after its unsubscription, after `close`, or during an outage", async () => {
      const { connection, clock, heard, subscriptions, outage } = start();
      subscriptions.up();
      for (const topic of ["a", "b"]) void subscriptions.subscribe(topic);
      await connection.answerAll();
      outage();
      connection.forbidden.add("a").add("b");
      subscriptions.up();
      await connection.answerAll();
      const leaving = subscriptions.unsubscribe("a");
      await connection.answerAll();
      await leaving;
      connection.commands.length = 0;
      clock.increment(5_000);
      await connection.answerAll();
      expect(connection.commands).to.deep.equal(["subscribe b"]);
      outage();
      clock.increment(60_000);
      await turn();
      expect(connection.commands).to.deep.equal(["subscribe b"]);
      subscriptions.up();
      await connection.answerAll();
      connection.commands.length = 0;
      subscriptions.close(new Error("closed"));
      connection.forbidden.clear();
      clock.increment(60_000);
      await connection.answerAll();
      expect(connection.commands).to.deep.equal([]);
      expect(heard.filter((what) => what.startsWith("gap"))).to.deep.equal([]);
    });

    it("forgets a refusal after the unsubscription, and reports or rejects the next one", async () => {
      const { connection, heard, subscriptions, outage } = start();
      subscriptions.up();
      for (const topic of ["a", "b"]) {
        void subscriptions.subscribe(topic);
        await connection.answerAll();
        outage();
        connection.forbidden.add(topic);
        subscriptions.up();
        await connection.answerAll();
        const leaving = subscriptions.unsubscribe(topic);
        await connection.answerAll();
        await leaving;
      }
      expect(heard.map((what) => what.slice(0, 18))).to.deep.equal([
        'error refused ("a"',
        'error refused ("b"',
      ]);
      const joining = outcome(subscriptions.subscribe("a"));
      await connection.answerAll();
      expect(await joining).to.equal("refused");
    });
  });

  it("retries a command that fails without a reply, because that is not a refusal", async () => {
    const { connection, clock, heard, subscriptions } = start();
    subscriptions.up();
    const joins = Promise.all(["a", "b"].map((topic) => subscriptions.subscribe(topic)));
    await connection.fail();
    expect(connection.commands).to.deep.equal(["subscribe a,b"]);
    clock.increment(100);
    await connection.answerAll();
    await joins;
    expect(heard).to.deep.equal([]);
  });

  it("unsubscribes a topic whose subscription comes too late", async () => {
    const { connection, clock, subscriptions } = start();
    subscriptions.up();
    const late = subscriptions.subscribe("a").catch((error: Error) => error.message);
    await turn();
    clock.increment(1_000);
    expect(await late).to.equal("too late");
    await connection.answerAll();
    expect([...connection.live]).to.deep.equal([]);
  });

  it("ends with the wanted topics live, and a gap for each, after any sequence of events", async () => {
    const steps = fc.oneof(
      fc.record({ do: fc.constant("toggle"), topic: fc.constantFrom("a", "b", "c") }),
      fc.record({ do: fc.constantFrom("forbid", "allow"), topic: fc.constantFrom("a", "b", "c") }),
      fc.record({ do: fc.constantFrom("answer", "turn", "tick", "outage", "up"), topic: fc.constant("") }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 40 }), async (script) => {
        const { connection, clock, heard, subscriptions, outage } = start();
        const wanted = new Set<string>();
        const settled = new Map<string, Promise<unknown>>();
        const confirmed = new Set<string>();
        let isUp = false;
        for (const { do: action, topic } of script) {
          if (action === "toggle") {
            // Like the layer, changes the subscription of a topic only when the last change has ended.
            if (confirmed.has(topic)) {
              confirmed.delete(topic);
              wanted.delete(topic);
              settled.set(topic, subscriptions.unsubscribe(topic));
            } else if (!wanted.has(topic)) {
              await (isUp ? connection.answerAll() : undefined);
              await settled.get(topic);
              wanted.add(topic);
              const join = subscriptions.subscribe(topic).then(
                () => confirmed.add(topic),
                () => wanted.delete(topic),
              );
              settled.set(topic, join);
            }
          } else if (action === "answer") await connection.answer();
          else if (action === "turn") await turn();
          else if (action === "forbid") connection.forbidden.add(topic);
          else if (action === "allow") connection.forbidden.delete(topic);
          else if (action === "tick") {
            clock.increment(200);
            await turn();
          } else if (action === "outage" && isUp) {
            isUp = false;
            outage();
            await turn();
          } else if (action === "up" && !isUp) {
            isUp = true;
            subscriptions.up();
          }
        }
        if (!isUp) subscriptions.up();
        await connection.answerAll();
        // All first replies have arrived; the remaining topics are retried.
        connection.forbidden.clear();
        clock.increment(5_000);
        await connection.answerAll();
        await Promise.all(settled.values());
        expect([...connection.live].sort()).to.deep.equal([...wanted].sort());
        heard.length = 0;
        outage();
        subscriptions.up();
        await connection.answerAll();
        expect(heard.sort()).to.deep.equal([...wanted].sort().map((topic) => `gap ${topic}`));
      }),
      { numRuns: 300 },
    );
  });
});
