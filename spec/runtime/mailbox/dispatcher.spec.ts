import { expect } from "chai";
import { BlockedEventLoopError, type ConsumerClass, handlers, WebSocketConsumer } from "greenroom";
import { SimulatedClock } from "xstate";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { type Gate, gate } from "../../support/gate.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";

interface Work {
  block: { ms: number };
  wait: object;
}

describe("Dispatcher, with handlers that block the event loop,", () => {
  const { now: realNow } = performance;
  /** The time in whole milliseconds. Only `block` advances it, so the load of the machine has no effect. */
  let now: number;
  let working: Gate;
  beforeEach(() => {
    now = Math.ceil(realNow.call(performance));
    performance.now = () => now;
    working = gate();
  });
  afterEach(async () => {
    performance.now = realNow;
    await stopServing();
  });

  function block(ms: number): void {
    now += ms;
  }

  /** The frames are durations in milliseconds. */
  class Worker extends WebSocketConsumer<{ messages: Work }> {
    static override readonly layer = "chat";
    static override readonly supervision = { onFailure: "resume" } as const;
    static override readonly on = handlers<Worker>({
      block({ ms }) {
        block(ms);
        this.send(`blocked ${ms}`);
        return ms;
      },
      async wait() {
        this.send("waits");
        await working.opened;
        this.send("waited");
      },
    });
    override async connect() {
      await this.accept();
      await this.groupAdd("workers");
      this.send("ready");
    }
    override receive(text: string) {
      block(Number(text));
      if (text === "70") throw new Error("failed");
      this.send(text);
    }
  }
  class Other extends Worker {}

  async function start(...classes: readonly ConsumerClass[]) {
    const failures: { readonly error: unknown; readonly stage: string }[] = [];
    const serving = await serve({
      layers: chat(),
      onError: (error, { stage }) => failures.push({ error, stage }),
    });
    const clients: Client[] = [];
    for (const [index, Consumer] of classes.entries()) {
      serving.runtime.route(`/${index}`, Consumer as never);
      const client = await Client.open(`${serving.url}/${index}`);
      await client.next();
      clients.push(client);
    }
    return { ...serving, failures, client: clients[0] as Client, clients, chat: serving.runtime.layers.chat };
  }

  type Serving = Awaited<ReturnType<typeof start>>;
  const stages = ({ failures }: Serving) => failures.map(({ stage }) => stage);

  it("counts each frame that blocks, and names the consumer once", async () => {
    const serving = await start(Worker);
    const { client, runtime, failures } = serving;
    for (const ms of ["60", "10", "60", "50", "1000"]) client.send(ms);
    await client.take(5);
    expect(runtime.counters().blocked).to.equal(3);
    expect(stages(serving)).to.deep.equal(["receive"]);
    const [error] = failures.map(({ error }) => error as BlockedEventLoopError);
    expect(error).to.be.instanceOf(BlockedEventLoopError);
    expect(error).to.have.property("code", "ERR_BLOCKED_EVENT_LOOP");
    expect(error?.message).to.match(/^A handler of Worker \(receive\) blocked the event loop for more than /);
  });

  it("names each consumer", async () => {
    const serving = await start(Worker, Other);
    for (const client of serving.clients) {
      client.send("60");
      client.send("60");
      await client.take(2);
    }
    expect(serving.runtime.counters().blocked).to.equal(4);
    const named = serving.failures.map(({ error }) => /of (\w+) /.exec((error as Error).message)?.[1]);
    expect(named).to.deep.equal(["Worker", "Other"]);
  });

  it("counts each message that blocks", async () => {
    const serving = await start(Worker);
    const { client, runtime, chat } = serving;
    for (const ms of [60, 10, 60]) {
      await chat.groupSend("workers", { type: "block", ms });
      await client.next();
    }
    expect(runtime.counters().blocked).to.equal(2);
    expect(stages(serving)).to.deep.equal(["message block"]);
  });

  it("counts several messages at once", async () => {
    const serving = await start(Worker);
    const { client, runtime, chat } = serving;
    for (const ms of [60, 61, 62]) void chat.groupSend("workers", { type: "block", ms });
    expect(await client.take(3)).to.deep.equal(["blocked 60", "blocked 61", "blocked 62"]);
    // Messages that are delivered together are measured together.
    expect(runtime.counters().blocked).to.be.within(1, 3);
    expect(stages(serving)).to.have.length(1);
    expect(stages(serving)[0]).to.match(/^message/);
  });

  it("counts each ask that blocks, and answers it", async () => {
    const serving = await start(Worker);
    const { runtime, chat } = serving;
    const [member] = chat.local.membersOf("workers");
    for (const ms of [60, 10, 60]) {
      expect(await runtime.ask(String(member?.channel), { type: "block", ms })).to.equal(ms);
    }
    expect(runtime.counters().blocked).to.equal(2);
    expect(stages(serving)).to.deep.equal(["message block"]);
  });

  it("counts a handler that blocks and then throws", async () => {
    const serving = await start(Worker);
    const { client, runtime, failures } = serving;
    client.send("70");
    client.send("0");
    await client.next();
    expect(runtime.counters().blocked).to.equal(1);
    expect(failures.map(({ error }) => (error as Error).name)).to.have.members([
      ...["BlockedEventLoopError", "Error"],
    ]);
  });

  it("does not count a handler that awaits", async () => {
    const serving = await start(Worker);
    const { client, runtime, chat } = serving;
    await chat.groupSend("workers", { type: "wait" });
    expect(await client.next()).to.equal("waits");
    block(60);
    working.open();
    expect(await client.next()).to.equal("waited");
    expect(runtime.counters().blocked).to.equal(0);
    expect(serving.failures).to.deep.equal([]);
  });

  it("does not count many quick handlers of one message", async () => {
    const classes = Array.from({ length: 20 }, () => class extends Worker {});
    const { clients, runtime, chat } = await start(...classes);
    await chat.groupSend("workers", { type: "block", ms: 10 });
    for (const client of clients) await client.next();
    expect(runtime.counters().blocked).to.equal(0);
  });

  it("names the handler that blocks, not one that runs within it", async () => {
    const { runtime, failures } = await start();
    const inner = await runtime.spawn(Other);
    class Outer extends Worker {
      override receive() {
        block(60);
        inner.receive("1");
      }
    }
    const outer = await runtime.spawn(Outer);
    outer.receive("go");
    expect(runtime.counters().blocked).to.equal(1);
    expect(failures.map(({ error }) => (error as Error).message)).to.have.length(1);
    expect(String(failures[0]?.error)).to.include("Outer");
  });

  describe("for timers", () => {
    /** Counts the calls of timers, which take 20 ms each. The numbers are the turns of the calls. */
    function ticking() {
      const ticks = { turn: 0, calls: [] as number[] };
      class Ticking extends WebSocketConsumer {
        override connect() {
          this.every(5, () => {
            block(20);
            ticks.calls.push(ticks.turn);
          });
        }
      }
      return { Ticking, ticks };
    }

    it("handles a call in a later turn if another actor's call took the time of this turn", async () => {
      const { runtime } = await serve({ layers: {} });
      const { Ticking, ticks } = ticking();
      await Promise.all([runtime.spawn(Ticking), runtime.spawn(Ticking)]);
      setImmediate(() => {
        ticks.turn += 1;
      });
      // Both timers are due in the same turn.
      for (const start = Date.now(); Date.now() < start + 10; );
      await until(() => ticks.calls.length >= 2);
      expect(ticks.calls.slice(0, 2)).to.deep.equal([0, 1]);
    });

    it("handles all calls at once if the application advances its own clock", async () => {
      const clock = new SimulatedClock();
      const { runtime } = await serve({ layers: {}, clock });
      const { Ticking, ticks } = ticking();
      await runtime.spawn(Ticking);
      for (let period = 0; period < 5; period += 1) clock.increment(5);
      expect(ticks.calls).to.have.length(5);
    });
  });
});
