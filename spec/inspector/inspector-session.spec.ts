import { inspect } from "node:util";
import { expect } from "chai";
import { JsonWebSocketConsumer, MemoryLayer, machineConsumer, WebSocketConsumer } from "greenroom";
import { inspector } from "greenroom/inspector";
import { type AnyActor, createMachine, setup } from "xstate";
import { isInspected } from "../../actors/connection-machine.ts";
import { ActivityRecorder } from "../../inspector/activity/activity-recorder.ts";
import type { MachineFacts } from "../../inspector/protocol.ts";
import { Client } from "../support/client.ts";
import { InspectorClient, token } from "../support/inspector-client.ts";
import { inspectRuntime, light, machines, replaceMethod, Talk } from "../support/inspector-runtime.ts";
import { chat, serve, stopServing } from "../support/serving.ts";

describe("InspectorSession", () => {
  afterEach(stopServing);

  it("reports the node first, then all consumers, routed or not, and then ticks", async () => {
    const { page, runtime } = await inspectRuntime({ payloads: true });
    const hello = await page.next("hello");
    expect(hello).to.include({ payloads: true, nodeVersion: process.version, tickMs: 20 });
    const { consumers } = await page.next("consumers");
    expect(consumers).to.deep.equal([
      { id: "c1", name: "Talk", routes: ["/ws/a"], layer: "chat", hasOwn: false },
      { id: "c2", name: "light", routes: ["/ws/light"], hasOwn: true },
    ]);
    await page.next("tick");
    class Alone extends WebSocketConsumer {}
    await runtime.spawn(Alone);
    const news = await page.next("consumers");
    expect(news.consumers.at(-1)).to.deep.equal({ id: "c3", name: "Alone", routes: [], hasOwn: false });
  });

  it("counts the actors in each state and the transitions that they take", async () => {
    const { page, join, url } = await inspectRuntime();
    const connection = await machine(page, "c1", "connection");
    const own = await machine(page, "c2", "own");
    const first = await join();
    await join();
    const lamp = await Client.open(`${url}/ws/light`);
    lamp.send('{"type":"press"}');
    lamp.send('{"type":"up"}');
    await lamp.next();
    const moves: Record<string, number> = {};
    const tick = await page.next("tick", (tick) => {
      for (const { consumer, machine, mark, count } of tick.transitions) {
        const key = `${consumer} ${machine === "own" ? own(mark) : connection(mark)}`;
        moves[key] = (moves[key] ?? 0) + count;
      }
      return tick.figures.actors === 3 && "c2 on.dim → on.bright" in moves;
    });
    const counted = Object.entries(tick.stateCounts).map(
      ([consumer, { total, connection: all, own: some }]) => {
        const named = (counts: object, name: (mark: string) => string) =>
          Object.fromEntries(Object.entries(counts).map(([mark, count]) => [name(mark), count]));
        return [consumer, total, named(all, connection), named(some, own)];
      },
    );
    expect(counted).to.deep.equal([
      ["c1", 2, { joined: 2, "joined.online": 2 }, {}],
      ["c2", 1, { joined: 1, "joined.online": 1 }, { on: 1, "on.bright": 1 }],
    ]);
    expect(moves).to.deep.equal({
      "c1 connecting": 2,
      "c1 connecting → joined": 2,
      "c2 connecting": 1,
      "c2 connecting → joined": 1,
      "c2 off": 1,
      "c2 off → on": 1,
      "c2 on.dim → on.bright": 1,
    });
    await first.close();
    const left = await page.next("tick", ({ figures }) => figures.actors === 2);
    expect(left.transitions.map(({ mark }) => connection(mark))).to.deep.equal([
      "joined → closing",
      "closing → closed",
    ]);
  });

  it("observes machines that started before the session, and machines that restart", async () => {
    const { runtime, url } = await serve({ layers: {} });
    const failing = setup({}).createMachine({
      initial: "well",
      states: {
        well: {
          on: {
            "frame.go": "well",
            "frame.fail": {
              actions: () => {
                throw new Error("told");
              },
            },
          },
        },
      },
    });
    const Failing = machineConsumer(failing, { supervision: { onFailure: "restart", backoffMs: 0 } });
    runtime.route("/ws", Failing);
    inspector(runtime, { path: "/inspect", token, tickMs: 20 });
    const client = await Client.open(`${url}/ws`);
    const page = await InspectorClient.open(url);
    const [row] = (await page.list()).rows;
    await page.open(row?.id ?? "");
    client.send('{"type":"go"}');
    await page.entriesUntil(({ what }) => what === "frame.go");
    client.send('{"type":"fail"}');
    await page.entriesUntil(({ kind, what }) => kind === "transition" && what === "");
    client.send('{"type":"go"}');
    const entries = await page.entriesUntil(({ what }) => what === "frame.go");
    expect(entries.filter(({ what }) => what === "frame.go")).to.have.lengthOf(1);
  });

  it("records nothing, observes nothing and runs no timer without subscribers", async () => {
    const { runtime, url } = await serve({ layers: {} });
    inspector(runtime, { path: "/inspect", token, tickMs: 20 });
    const lamp = await runtime.spawn(machineConsumer(light));
    const listening = listeners(lamp.machineActor as AnyActor);
    let items = 0;
    using _ = replaceMethod(ActivityRecorder.prototype, "onItem", () => {
      items += 1;
    });
    const isObserved = () => {
      const before = items;
      lamp.receive("nothing that it knows");
      return items > before;
    };
    const timers = sessionTimers();
    const state = () => ({
      looks: isObserved(),
      hears: isInspected(lamp.machine.system),
      listening: listening(),
      timers: timers.count,
    });
    const [still, awake] = [
      { looks: false, hears: false, listening: 0, timers: 0 },
      { looks: true, hears: true, listening: 1, timers: 1 },
    ];
    try {
      expect(state()).to.deep.equal(still);
      const one = await InspectorClient.open(url);
      const other = await InspectorClient.open(url);
      await other.next("tick", ({ figures }) => figures.watching === 2);
      expect(state()).to.deep.equal(awake);
      await one.close();
      await other.next("tick", ({ figures }) => figures.watching === 1);
      expect(state()).to.deep.equal(awake);
      await other.close();
      while (isInspected(lamp.machine.system)) await new Promise(setImmediate);
      expect(state()).to.deep.equal(still);
      const again = await InspectorClient.open(url);
      expect((await again.open(lamp.machine.sessionId)).entries).to.deep.equal([]);
    } finally {
      timers.restore();
    }
  });

  it("hides the inspector's own connections, their frames and their transitions", async () => {
    const { page, url } = await inspectRuntime();
    await page.list();
    const other = await InspectorClient.open(url);
    await other.list();
    for (let ticks = 0; ticks < 3; ticks += 1) {
      const { stateCounts, figures, transitions } = await page.next("tick");
      expect(stateCounts).to.deep.equal({});
      expect(transitions).to.deep.equal([]);
      expect([figures.framesInPerSecond, figures.framesOutPerSecond]).to.deep.equal([0, 0]);
    }
    expect((await page.list()).matched).to.equal(0);
  });

  it("pauses longer after a slow tick, so that ticks take at most a twentieth of the time", async () => {
    const chat = new MemoryLayer();
    const lookMs = 5;
    Object.defineProperty(chat, "health", {
      get() {
        const end = performance.now() + lookMs;
        while (performance.now() < end);
        return { ok: true };
      },
    });
    const { runtime, url } = await serve({ layers: { chat } });
    inspector(runtime, { path: "/inspect", token, tickMs: 20 });
    const timers = sessionTimers();
    try {
      const page = await InspectorClient.open(url);
      for (let ticks = 0; ticks < 3; ticks += 1) await page.next("tick");
      expect(timers.delays[0]).to.equal(20);
      expect(timers.delays[1]).to.be.at.least(20 * lookMs);
    } finally {
      timers.restore();
    }
  });

  it("continues after a tick that fails, and reports the error", async () => {
    const chat = new MemoryLayer();
    let fails = false;
    Object.defineProperty(chat, "health", {
      get() {
        if (fails) throw new Error("no health");
        return { ok: true };
      },
    });
    const { runtime, url, failures } = await serve({ layers: { chat } });
    inspector(runtime, { path: "/inspect", token, tickMs: 20 });
    const page = await InspectorClient.open(url);
    await page.next("tick");
    fails = true;
    while (failures.length === 0) await new Promise(setImmediate);
    fails = false;
    await page.next("tick", (tick) => tick.failures.length > 0);
    expect(failures[0]).to.deep.include({ stage: "inspector" });
  });

  it("removes a consumer that has neither a route nor an actor", async () => {
    const { page, runtime } = await inspectRuntime();
    const names = (count: number) =>
      page
        .next("consumers", ({ consumers }) => consumers.length === count)
        .then(({ consumers }) => consumers.map(({ id, name }) => `${id} ${name}`));
    await names(2);
    const made = () => class extends WebSocketConsumer {};
    const one = await runtime.spawn(made());
    expect(await names(3)).to.deep.equal(["c1 Talk", "c2 light", "c3 (anonymous)"]);
    await one.stop();
    await names(2);
    await runtime.spawn(made());
    expect(await names(3)).to.deep.equal(["c1 Talk", "c2 light", "c4 (anonymous)"]);
  });

  it("ignores unrelated static properties of a consumer class that look like a machine or a name", async () => {
    const { page, runtime } = await inspectRuntime();
    class Odd extends WebSocketConsumer {
      static readonly machine = light;
      static override readonly name = 7 as unknown as string;
    }
    await runtime.spawn(Odd);
    const { consumers } = await page.next("consumers", (news) => news.consumers.length === 3);
    expect(consumers[2]).to.include({ name: "(anonymous)", hasOwn: false });
  });

  it("does not change the outcome of an actor's operations", async () => {
    const { page, runtime } = await inspectRuntime({ payloads: true });
    class Sends extends WebSocketConsumer {
      static override readonly layer = "chat";
      override async receive(text: string) {
        const exotic = {
          type: text === "number" ? 7 : "word",
          [inspect.custom]: () => {
            throw new Error("shown");
          },
        };
        await this.groupSend("talk", exotic as never).catch((error) => this.send((error as Error).message));
        this.send("done");
      }
    }
    const sends = await runtime.spawn(Sends);
    page.ask({ type: "payloads", shown: true });
    await page.open(sends.machine.sessionId);
    sends.receive("number");
    sends.receive("word");
    const entries = await page.entriesUntil(({ kind, bytes }) => kind === "sent" && bytes === 4);
    expect(entries.map(({ kind, what }) => `${kind} ${what}`).slice(0, 3)).to.deep.equal([
      "frame text",
      "groupSend 7",
      "sent text",
    ]);
    expect((await sends.outgoing.next()).value).to.match(/^A message .*type/);
    const broken = createMachine({
      context() {
        throw new Error("no context");
      },
    });
    await expectRejection(runtime.spawn(machineConsumer(broken)), "no context");
    await page.list();
  });

  it("reports to all subscribers, even if one of them throws", async () => {
    const { runtime, url, failures } = await serve({ layers: {} });
    inspector(runtime, { path: "/inspect", token, tickMs: 20 });
    const { sendJson } = JsonWebSocketConsumer.prototype;
    let first: JsonWebSocketConsumer | undefined;
    let fails = false;
    using _ = replaceMethod(
      JsonWebSocketConsumer.prototype,
      "sendJson",
      function (this: JsonWebSocketConsumer, value) {
        first ??= this;
        if (fails && this === first) throw new Error("not to be told");
        Reflect.apply(sendJson, this, [value]);
      },
    );
    const one = await InspectorClient.open(url);
    await one.next("tick");
    fails = true;
    const other = await InspectorClient.open(url);
    for (let ticks = 0; ticks < 3; ticks += 1) await other.next("tick");
    expect(failures[0]).to.deep.include({ stage: "inspector" });
  });

  it("truncates long names", async () => {
    const { page, runtime } = await inspectRuntime();
    await runtime.spawn(class extends WebSocketConsumer {}, { path: `/${"p".repeat(10_000)}` });
    const [row] = (await page.list()).rows;
    expect(row?.path).to.have.lengthOf(301);
    const { entries } = await page.open(row?.id ?? "");
    expect(entries[0]?.detail).to.have.lengthOf(301);
  });

  it("does not affect actors when it fails", async () => {
    const { page, runtime, failures } = await inspectRuntime();
    const talk = await runtime.spawn(Talk);
    await page.open(talk.machine.sessionId);
    using _ = replaceMethod(ActivityRecorder.prototype, "onItem", () => {
      throw new Error("not to be looked at");
    });
    talk.receive("leave");
    await page.entriesUntil(({ kind }) => kind === "groupDiscard");
    expect(failures.map(({ error, stage }) => [stage, (error as Error).message])).to.deep.equal([
      ["inspector", "not to be looked at"],
    ]);
    await page.list();
  });

  it("keeps the last 20 failures while it has no subscribers", async () => {
    const { runtime, url } = await serve({ layers: chat() });
    inspector(runtime, { path: "/inspect", token, tickMs: 20 });
    const talk = await runtime.spawn(Talk);
    for (let count = 0; count < 25; count += 1) talk.receive("fail");
    const page = await InspectorClient.open(url);
    const { failures } = await page.next("tick");
    expect(failures).to.have.lengthOf(20);
    expect((await page.list()).rows[0]).to.have.nested.property("lastError.message", "as it was told");
  });
});

async function expectRejection(promise: Promise<unknown>, message: string) {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.an("error").with.property("message").that.includes(message);
}

/** Returns a function that names a mark: by the path of a state, or by `from → to` of an arrow. */
async function machine(page: InspectorClient, consumer: string, kind: MachineFacts["kind"]) {
  const facts = (await machines(page, consumer)).find((known) => known.kind === kind) as MachineFacts;
  const state = (mark: string) => facts.states.find((known) => known.mark === mark)?.path;
  return (mark: string): string => {
    const arrow = facts.arrows.find((known) => known.mark === mark);
    return arrow ? `${state(arrow.from)} → ${arrow.to.map(state)}` : String(state(mark));
  };
}

/** Counts the inspectors that an actor's system gets from now on. */
function listeners(actor: AnyActor): () => number {
  const { system } = actor;
  const { inspect } = system;
  let count = 0;
  system.inspect = (observer) => {
    const subscription = inspect(observer);
    count += 1;
    return {
      unsubscribe() {
        subscription.unsubscribe();
        count -= 1;
      },
    };
  };
  return () => count;
}

/** Captures the timers that a session starts from now on. */
function sessionTimers() {
  const { setTimeout, clearTimeout } = globalThis;
  const running = new Set<unknown>();
  const delays: number[] = [];
  globalThis.setTimeout = ((work: (...args: unknown[]) => void, ms: number, ...args: unknown[]) => {
    if (!new Error().stack?.includes("inspector/inspector-session.ts"))
      return setTimeout(() => work(...args), ms);
    delays.push(ms);
    const timer = setTimeout(() => {
      running.delete(timer);
      work();
    }, ms);
    running.add(timer);
    return timer;
  }) as typeof setTimeout;
  globalThis.clearTimeout = (timer) => {
    running.delete(timer);
    clearTimeout(timer);
  };
  return {
    /** The delay of each, in milliseconds. */
    delays,
    get count() {
      return running.size;
    },
    restore: () => Object.assign(globalThis, { setTimeout, clearTimeout }),
  };
}
