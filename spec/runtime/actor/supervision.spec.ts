import { expect } from "chai";
import { type Directive, handlers, InvalidOptionError, type Supervision, WebSocketConsumer } from "greenroom";
import { SimulatedClock } from "xstate";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";

interface Orders {
  order: { do: string };
}

/** Counts its instances, and fails on request. */
function failing(supervision: Supervision, restarted: (made: number) => unknown = () => {}) {
  return class Failing extends WebSocketConsumer<{ messages: Orders }> {
    static override readonly layer = "chat";
    static override readonly supervision = supervision;
    static override readonly on = handlers<Failing>({
      order: (message) => act(message.do),
    });
    static made = 0;
    readonly #number = ++Failing.made;
    #count = 0;
    override async connect() {
      await this.accept();
      await this.groupAdd("room");
      this.send("connected");
    }
    override receive(text: string) {
      if (text === "count") this.send(`${this.#number}: ${++this.#count}`);
      return act(text);
    }
    override async restarted(error: unknown) {
      await restarted(this.#number);
      this.send(`restarted after ${(error as Error).message}`);
    }
    override disconnect(code: number) {
      Failing.ended.push([this.#number, code]);
    }
    static readonly ended: [number, number][] = [];
  };
}

function act(what: string): void | Promise<void> {
  if (what === "throw") throw new Error("thrown");
  if (what === "reject") return Promise.reject(new Error("rejected"));
  return undefined;
}

describe("Supervision", () => {
  afterEach(stopServing);

  async function serveAt(Consumer: ReturnType<typeof failing>, options: object = {}) {
    const serving = await serve({ layers: chat(), ...options });
    serving.runtime.route("/ws", Consumer);
    const client = await Client.open(`${serving.url}/ws`);
    expect(await client.next()).to.equal("connected");
    return { ...serving, client };
  }

  it("stops a failed actor by default", async () => {
    const { client, failures } = await serveAt(failing({}));
    client.send("throw");
    expect(await client.closed).to.deep.equal({ code: 1011, reason: "Internal error" });
    expect(failures.map(({ stage }) => stage)).to.deep.equal(["receive"]);
  });

  it("resumes: skips the failed item and keeps the consumer", async () => {
    const { client, failures, runtime } = await serveAt(failing({ onFailure: "resume" }));
    for (const text of ["count", "throw", "count", "reject", "count"]) client.send(text);
    expect(await client.take(3)).to.deep.equal(["1: 1", "1: 2", "1: 3"]);
    await runtime.layers.chat.groupSend("room", { type: "order", do: "throw" } as never);
    await runtime.layers.chat.groupSend("room", { type: "order", do: "nothing" } as never);
    client.send("count");
    await client.next();
    expect(failures.map(({ stage }) => stage)).to.deep.equal(["receive", "receive", "message order"]);
  });

  it("restarts: a fresh consumer takes over the connection and its groups, without connect", async () => {
    const Consumer = failing({ onFailure: "restart", backoffMs: 0 });
    const { client, runtime, failures } = await serveAt(Consumer);
    for (const text of ["count", "throw", "count"]) client.send(text);
    expect(await client.take(3)).to.deep.equal(["1: 1", "restarted after thrown", "2: 1"]);
    await runtime.layers.chat.groupSend("room", { type: "order", do: "reject" } as never);
    expect(await client.next()).to.equal("restarted after rejected");
    client.send("count");
    expect(await client.next()).to.equal("3: 1");
    expect(failures).to.have.length(2);
    await client.close();
    await runtime.close();
    expect(Consumer.ended).to.deep.equal([[3, 1005]]);
  });

  it("queues input during a restart, without losing any", async () => {
    const ready = gate();
    const Consumer = failing({ onFailure: "restart", backoffMs: 0 }, () => ready.opened);
    const { client, runtime } = await serveAt(Consumer);
    for (const text of ["throw", "count", "count"]) client.send(text);
    const actor = [...Array(10).keys()];
    for (const _ of actor) await runtime.layers.chat.groupSend("room", { type: "order", do: "-" } as never);
    ready.open();
    expect(await client.take(3)).to.deep.equal(["restarted after thrown", "2: 1", "2: 2"]);
  });

  it("doubles the pause before each further restart", async () => {
    const clock = new SimulatedClock();
    const pauses: number[] = [];
    const { setTimeout } = clock;
    clock.setTimeout = (fn, ms) => {
      if (ms < 5_000) pauses.push(ms);
      return setTimeout.call(clock, fn, ms);
    };
    const { runtime } = await serve({ layers: chat(), clock });
    const actor = await runtime.spawn(failing({ onFailure: "restart", backoffMs: 100 }));
    await actor.outgoing.next();
    for (const pause of [100, 200, 400]) {
      pauses.length = 0;
      actor.receive("throw");
      while (pauses.length === 0) await new Promise((resolve) => setImmediate(resolve));
      expect(pauses).to.deep.equal([pause]);
      clock.increment(pause);
      expect((await actor.outgoing.next()).value).to.equal("restarted after thrown");
    }
    await actor.stop();
  });

  it("stops an actor after more than maxFailures within withinMs, and forgets older failures", async () => {
    const clock = new SimulatedClock();
    const { runtime, failures } = await serve({ layers: chat(), clock });
    const Consumer = failing({ onFailure: "resume", maxFailures: 2, withinMs: 1_000 });
    const actor = await runtime.spawn(Consumer);
    actor.receive("throw");
    actor.receive("throw");
    clock.increment(1_000);
    actor.receive("throw");
    actor.receive("throw");
    expect(actor.machine.getSnapshot().matches("joined")).to.equal(true);
    actor.receive("throw");
    expect(await actor.done).to.deep.equal({ code: 1011, reason: "Internal error", by: "runtime" });
    expect(failures).to.have.length(5);
  });

  it("stops an actor whose restarts fail more than maxFailures times", async () => {
    let tries = 0;
    const Consumer = failing({ onFailure: "restart", backoffMs: 0, maxFailures: 3 }, () => {
      tries += 1;
      throw new Error("still broken");
    });
    const { client, failures } = await serveAt(Consumer);
    client.send("throw");
    expect(await client.closed).to.deep.equal({ code: 1011, reason: "Internal error" });
    expect(tries).to.equal(3);
    expect(failures.map(({ stage }) => stage)).to.deep.equal([
      "receive",
      ...["restarted", "restarted", "restarted"],
    ]);
  });

  it("calls onFailure with the error and the stage, and stops the actor if it throws", async () => {
    const asked: [string, string][] = [];
    const onFailure = (error: unknown, stage: string): Directive => {
      asked.push([(error as Error).message, stage]);
      if (asked.length === 3) throw new Error("cannot decide");
      return "resume";
    };
    const { client, runtime, failures } = await serveAt(failing({ onFailure }));
    client.send("throw");
    client.send("count");
    await client.next();
    await runtime.layers.chat.groupSend("room", { type: "order", do: "throw" } as never);
    client.send("reject");
    expect(await client.closed).to.have.property("code", 1011);
    expect(asked).to.have.deep.members([
      ["thrown", "receive"],
      ["thrown", "message order"],
      ["rejected", "receive"],
    ]);
    expect(failures.map(({ stage }) => stage)).to.include("supervision");
  });

  it("stops an actor whose onFailure returns no directive, and reports that", async () => {
    const answers: (() => unknown)[] = [
      () => "Restart",
      () => undefined,
      async () => {
        throw new Error("async");
      },
    ];
    for (const answer of answers) {
      const { client, failures } = await serveAt(failing({ onFailure: answer as () => Directive }));
      client.send("throw");
      expect(await client.closed).to.have.property("code", 1011);
      expect(failures.map(({ stage }) => stage)).to.deep.equal(["receive", "supervision"]);
      expect(failures[1]?.error).to.have.property("message").that.includes("one of stop, resume, restart");
    }
  });

  it("applies handlerTimeoutMs to restarted()", async () => {
    const clock = new SimulatedClock();
    const stuck = gate();
    class Stuck extends failing({ onFailure: "restart", backoffMs: 0, maxFailures: 1 }, () => stuck.opened) {
      static override readonly handlerTimeoutMs = 1_000;
    }
    const { runtime, failures } = await serve({ layers: chat(), clock });
    const actor = await runtime.spawn(Stuck);
    actor.receive("throw");
    while (Stuck.made < 2) {
      clock.increment(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    clock.increment(1_000);
    expect(await actor.done).to.have.property("code", 1011);
    expect(failures.map(({ stage }) => stage)).to.deep.equal(["receive", "restarted"]);
    stuck.open();
  });

  it("starts a thenable once, and waits until it has settled", async () => {
    let began = 0;
    let running = 0;
    let most = 0;
    class Lazy extends WebSocketConsumer {
      override receive() {
        // Like a query builder: the first `then` starts the work, and settles twice.
        const lazy = {
          // biome-ignore lint/suspicious/noThenProperty: the spec is about thenables.
          then(resolve: (value: undefined) => void) {
            began += 1;
            running += 1;
            most = Math.max(most, running);
            setImmediate(() => {
              running -= 1;
              resolve(undefined);
              resolve(undefined);
            });
          },
        };
        return lazy as unknown as Promise<void>;
      }
    }
    const { runtime } = await serve({ layers: {} });
    const actor = await runtime.spawn(Lazy);
    for (let frame = 0; frame < 20; frame += 1) actor.receive("x");
    while (began < 20 || running > 0) await new Promise((resolve) => setImmediate(resolve));
    expect([began, most]).to.deep.equal([20, 1]);
  });

  it("does not restart in a closing connection", async () => {
    const clock = new SimulatedClock();
    const { runtime } = await serve({ layers: chat(), clock });
    const Consumer = failing({ onFailure: "restart" });
    const actor = await runtime.spawn(Consumer);
    actor.receive("throw");
    await actor.stop();
    clock.increment(60_000);
    expect(Consumer.made).to.equal(1);
    expect(Consumer.ended).to.deep.equal([[1, 1000]]);
  });

  it("does not pause any more once the actor leaves while it restarts", async () => {
    const clock = new SimulatedClock();
    const restarting = gate();
    const Consumer = failing({ onFailure: "restart", backoffMs: 100 }, () => restarting.opened);
    const { runtime, failures } = await serve({ layers: chat(), clock });
    const actor = await runtime.spawn(Consumer);
    actor.receive("throw");
    while (Consumer.made < 2) {
      clock.increment(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const stopping = actor.stop();
    restarting.fail(new Error("no"));
    await stopping;
    expect(failures.map(({ stage }) => stage)).to.deep.equal(["receive", "restarted"]);
  });

  it("stops an actor that fails in connect, with any supervision", async () => {
    class Hopeless extends WebSocketConsumer {
      static override readonly supervision = { onFailure: "restart" } as const;
      override async connect() {
        await this.accept();
        throw new Error("no");
      }
    }
    const { runtime, url } = await serve({ layers: {} });
    runtime.route("/ws", Hopeless);
    const client = await Client.open(`${url}/ws`);
    expect(await client.closed).to.deep.equal({ code: 1011, reason: "Internal error" });
  });

  it("treats a handler that exceeds handlerTimeoutMs as failed, and reports its later failure", async () => {
    const late = gate();
    class Slow extends WebSocketConsumer {
      static override readonly handlerTimeoutMs = 50;
      static override readonly supervision = { onFailure: "resume" } as const;
      override async receive(text: string) {
        if (text === "slow") await late.opened;
        this.send(text);
      }
    }
    const clock = new SimulatedClock();
    const { runtime, failures } = await serve({ layers: {}, clock });
    const actor = await runtime.spawn(Slow);
    actor.receive("slow");
    actor.receive("next");
    clock.increment(50);
    expect((await actor.outgoing.next()).value).to.equal("next");
    expect(failures.map(({ stage }) => stage)).to.deep.equal(["receive"]);
    expect(failures[0]?.error).to.have.property("code", "ERR_HANDLER_TIMEOUT");
    late.fail(new Error("late"));
    await actor.stop();
    expect(failures.map(({ error }) => (error as Error).message).at(-1)).to.equal("late");
  });

  it("refuses invalid static properties in route and spawn", async () => {
    const { runtime } = await serve({ layers: chat() });
    const wrong: [object, string][] = [
      [
        { supervision: { onFailure: "explode" } },
        "`Odd.supervision.onFailure` must be one of stop, resume, restart",
      ],
      [{ supervision: { maxFailures: -1 } }, "`Odd.supervision.maxFailures`"],
      [{ supervision: { withinMs: 0 } }, "`Odd.supervision.withinMs`"],
      [{ supervision: { backoffMs: 1.5 } }, "`Odd.supervision.backoffMs`"],
      [
        { mailbox: { overflow: "drop" } },
        "`Odd.mailbox.overflow` must be one of close, drop-oldest, drop-newest",
      ],
      [{ mailbox: { capacity: 0 } }, "`Odd.mailbox.capacity`"],
      [{ handlerTimeoutMs: 0 }, "`Odd.handlerTimeoutMs`"],
    ];
    for (const [statics, message] of wrong) {
      const Odd = Object.assign(class extends WebSocketConsumer {}, statics);
      Object.defineProperty(Odd, "name", { value: "Odd" });
      expect(() => runtime.route("/ws", Odd)).to.throw(InvalidOptionError, message);
      const error = await runtime.spawn(Odd).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(InvalidOptionError);
    }
  });
});

describe("A full mailbox", () => {
  afterEach(stopServing);

  for (const [overflow, kept] of [
    ["drop-oldest", ["-3", 5, 6]],
    ["drop-newest", [2, 3, "-3"]],
  ] as const) {
    it(`reports the messages that ${overflow} dropped to onOverflow once, and counts them`, async () => {
      const working = gate();
      const began = gate();
      class Busy extends WebSocketConsumer<{ messages: { tick: { n: number } } }> {
        static override readonly layer = "chat";
        static override readonly mailbox = { capacity: 2, overflow } as const;
        static override readonly on = handlers<Busy>({
          async tick({ n }) {
            if (n === 1) began.open();
            await working.opened;
            Busy.seen.push(n);
          },
        });
        static readonly seen: (number | string)[] = [];
        override async connect() {
          await this.groupAdd("room");
        }
        override onOverflow({ dropped }: { dropped: number }) {
          Busy.seen.push(`-${dropped}`);
        }
        override receive() {
          this.send("end");
        }
      }
      const { runtime } = await serve({ layers: chat() });
      const actor = await runtime.spawn(Busy);
      const send = (n: number) => runtime.layers.chat.groupSend("room", { type: "tick", n } as never);
      await send(1);
      await began.opened;
      for (const n of [2, 3, 4, 5, 6]) await send(n);
      while (runtime.counters().dropped.overflow < 3) await new Promise((resolve) => setImmediate(resolve));
      working.open();
      actor.receive("done?");
      await actor.outgoing.next();
      while (Busy.seen.length < 4) await new Promise((resolve) => setImmediate(resolve));
      expect(Busy.seen).to.deep.equal([1, ...kept]);
      expect(runtime.counters().dropped.overflow).to.equal(3);
    });
  }
});
