import { expect } from "chai";
import fc from "fast-check";
import { SimulatedClock } from "xstate";
import { Subscriptions } from "../../../layers/redis/subscriptions.ts";

/** A connection to a server that answers when told, in order, and forgets everything when it breaks. */
class Connection {
  readonly live = new Set<string>();
  readonly commands: string[] = [];
  #questions: { take(): void; resolve(): void; reject(error: Error): void }[] = [];

  subscribe = (topics: readonly string[]) =>
    this.#ask(`subscribe ${topics}`, () => topics.map((topic) => this.live.add(topic)));

  unsubscribe = (topics: readonly string[]) =>
    this.#ask(`unsubscribe ${topics}`, () => topics.map((topic) => this.live.delete(topic)));

  async answer(): Promise<void> {
    const question = this.#questions.shift();
    question?.take();
    question?.resolve();
    await turn();
  }

  async refuse(): Promise<void> {
    this.#questions.shift()?.reject(new Error("refused"));
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

  #ask(command: string, take: () => unknown): Promise<void> {
    this.commands.push(command);
    return new Promise((resolve, reject) => this.#questions.push({ take, resolve, reject }));
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
    // As with ioredis: the owner hears of the end before the commands do.
    subscriptions.down();
    connection.break();
  };
  return { connection, clock, heard, subscriptions, outage };
}

describe("Subscriptions", () => {
  it("sends what one turn asks for in one command", async () => {
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

  it("splits what is too much for one command", async () => {
    const { connection, subscriptions } = start();
    subscriptions.up();
    const joins = Array.from({ length: 2_500 }, (_, index) => subscriptions.subscribe(String(index)));
    await connection.answerAll();
    await Promise.all(joins);
    expect(connection.commands).to.have.length(3);
  });

  it("tells a gap before what arrives on the topic, even if that is before the confirmation", async () => {
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

  it("tells one gap when the connection breaks again before all is confirmed", async () => {
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

  it("tells no gap of a topic that had not been live yet", async () => {
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

  it("hands a refusal to those who join, and to the listener where nobody waits", async () => {
    const { connection, heard, subscriptions, outage } = start();
    subscriptions.up();
    const refused = subscriptions.subscribe("a").catch((error: Error) => error.message);
    await turn();
    await connection.refuse();
    expect(await refused).to.equal("refused");
    void subscriptions.subscribe("a");
    await connection.answerAll();
    outage();
    subscriptions.up();
    await connection.refuse();
    expect(heard).to.deep.equal(["error refused"]);
  });

  it("takes back what comes too late", async () => {
    const { connection, clock, subscriptions } = start();
    subscriptions.up();
    const late = subscriptions.subscribe("a").catch((error: Error) => error.message);
    await turn();
    clock.increment(1_000);
    expect(await late).to.equal("too late");
    await connection.answerAll();
    expect([...connection.live]).to.deep.equal([]);
  });

  it("ends with what is wanted, and owes a gap for all of it, whatever happened before", async () => {
    const steps = fc.oneof(
      fc.record({ do: fc.constant("toggle"), topic: fc.constantFrom("a", "b", "c") }),
      fc.record({ do: fc.constantFrom("answer", "turn", "outage", "up"), topic: fc.constant("") }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 40 }), async (script) => {
        const { connection, heard, subscriptions, outage } = start();
        const wanted = new Set<string>();
        const settled = new Map<string, Promise<unknown>>();
        const confirmed = new Set<string>();
        let isUp = false;
        for (const { do: action, topic } of script) {
          if (action === "toggle") {
            // As the layer does: one change of a topic at a time.
            if (confirmed.has(topic)) {
              confirmed.delete(topic);
              wanted.delete(topic);
              settled.set(topic, subscriptions.unsubscribe(topic));
            } else if (!wanted.has(topic)) {
              await (isUp ? connection.answerAll() : undefined);
              await settled.get(topic);
              wanted.add(topic);
              const join = subscriptions.subscribe(topic).then(() => confirmed.add(topic));
              settled.set(topic, join);
            }
          } else if (action === "answer") await connection.answer();
          else if (action === "turn") await turn();
          else if (action === "outage" && isUp) {
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
