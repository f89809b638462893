import { expect } from "chai";
import {
  type ActorRef,
  type Effect,
  type Layers,
  type MemoryLayer,
  machineConsumer,
  type Runtime,
} from "greenroom";
import {
  type AnyActorLogic,
  type AnyActorRef,
  type AnyStateMachine,
  assign,
  cancel,
  createMachine,
  emit,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  raise,
  SimulatedClock,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from "xstate";
import { until } from "../../layers/support/until.ts";
import { gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";

/** The texts that the machines of a spec have told, in order. */
const told: string[] = [];
const tell = (text: string) => () => {
  told.push(text);
};
const fired = tell("fired");

/** A machine that tells `fired` after 10 seconds. It does not leave its state, so it would tell this twice. */
const late = createMachine({
  initial: "only",
  states: { only: { after: { 10000: { actions: fired } } } },
});
const withLate = setup({ actors: { late } });

/** The machines of this table tell `fired` after 10 seconds. */
const delays: Readonly<Record<string, AnyStateMachine>> = {
  "`after`, with a number": late,
  "`after`, with the name of a delay": setup({ delays: { long: 10_000 } }).createMachine({
    initial: "only",
    states: { only: { after: { long: { actions: fired } } } },
  }),
  "`after`, with a delay that depends on the context": setup({
    types: { context: {} as { readonly ms: number } },
    delays: { long: ({ context }) => context.ms },
  }).createMachine({
    context: { ms: 10_000 },
    initial: "only",
    states: { only: { after: { long: { actions: fired } } } },
  }),
  "`after` of a state that contains the current state": createMachine({
    initial: "outer",
    states: { outer: { initial: "inner", states: { inner: {} }, after: { 10000: { actions: fired } } } },
  }),
  "`after` of one of two regions": createMachine({
    type: "parallel",
    states: {
      busy: { initial: "only", states: { only: { after: { 10000: { actions: fired } } } } },
      idle: { initial: "only", states: { only: {} } },
    },
  }),
  "`after` of a state that was entered again from a history": createMachine({
    initial: "on",
    states: {
      on: {
        initial: "only",
        states: { only: { after: { 10000: { actions: fired } } }, past: { type: "history" } },
        on: { "frame.pause": "off" },
      },
      off: { always: "on.past" },
    },
  }),
  "a delayed `raise` with an id": createMachine({
    entry: raise({ type: "late" }, { delay: 10_000, id: "late" }),
    on: { late: { actions: fired } },
  }),
  "a delayed `raise` without an id": createMachine({
    entry: raise({ type: "late" }, { delay: 10_000 }),
    on: { late: { actions: fired } },
  }),
  "a delayed `sendTo` the machine itself": createMachine({
    entry: sendTo(({ self }) => self, { type: "late" }, { delay: 10_000 }),
    on: { late: { actions: fired } },
  }),
  "a delayed `sendTo` a child": setup({
    actors: { listener: createMachine({ on: { late: { actions: fired } } }) },
  }).createMachine({
    invoke: { src: "listener", id: "listener" },
    entry: sendTo("listener", { type: "late" }, { delay: 10_000 }),
  }),
  "a delayed `sendParent` of a child": setup({
    actors: { caller: createMachine({ entry: sendParent({ type: "late" }, { delay: 10_000 }) }) },
  }).createMachine({ invoke: { src: "caller", id: "caller" }, on: { late: { actions: fired } } }),
  "`after` of an invoked child": withLate.createMachine({ invoke: { src: "late", id: "late" } }),
  "`after` of an invoked child without a name": createMachine({ invoke: { src: late } }),
  "`after` of a spawned child": withLate.createMachine({ entry: spawnChild("late", { id: "late" }) }),
  "`after` of a child of a child": setup({
    actors: { middle: withLate.createMachine({ invoke: { src: "late", id: "late" } }) },
  }).createMachine({ invoke: { src: "middle", id: "middle" } }),
};

/** A region that tells its name after `ms`. */
const afterMs = (name: string, ms: number) => ({
  initial: "early",
  states: { early: { after: { [ms]: "late" } }, late: { entry: tell(name) } },
});

describe("A restored machine", () => {
  let clock: SimulatedClock;
  let runtime: Runtime<Layers>;

  beforeEach(async () => {
    told.length = 0;
    clock = new SimulatedClock();
    ({ runtime } = (await serve({ layers: chat(), clock })) as unknown as { runtime: Runtime<Layers> });
  });
  afterEach(stopServing);

  const consumerOf = (machine: AnyStateMachine) => machineConsumer(machine, { layer: "chat" });
  const stateOf = (actor: ActorRef) => actor.machineActor?.getSnapshot();
  const receive = (actor: ActorRef, ...types: readonly string[]) => {
    for (const type of types) actor.receive(JSON.stringify({ type }));
  };

  /** Runs a machine for 4 seconds, and saves it as text. */
  async function save(machine: AnyStateMachine, frames: readonly string[] = []): Promise<string> {
    const actor = await runtime.spawn(consumerOf(machine));
    receive(actor, ...frames);
    clock.increment(4_000);
    const text = JSON.stringify(actor.snapshot());
    await actor.stop();
    told.length = 0;
    return text;
  }

  async function restore(machine: AnyStateMachine, text: string): Promise<ActorRef> {
    return runtime.spawn(consumerOf(machine), { snapshot: JSON.parse(text) });
  }

  describe("receives once, at its time, the event of", () => {
    for (const [name, machine] of Object.entries(delays)) {
      it(name, async () => {
        const text = await save(machine, ["pause"]);
        clock.increment(3_000);
        await restore(machine, text);
        clock.increment(2_999);
        expect(told, "early").to.deep.equal([]);
        clock.increment(1);
        expect(told).to.deep.equal(["fired"]);
        clock.increment(100_000);
        expect(told, "again").to.deep.equal(["fired"]);
      });
    }
  });

  it("receives the events of ended delays at once, in order, before the first frame", async () => {
    const machine = createMachine({
      type: "parallel",
      states: { c: afterMs("c", 9_000), a: afterMs("a", 7_000), b: afterMs("b", 8_000) },
      on: { "frame.hello": { actions: tell("hello") } },
    });
    const text = await save(machine);
    clock.increment(60_000);
    const actor = await restore(machine, text);
    receive(actor, "hello");
    expect(told).to.deep.equal(["a", "b", "c", "hello"]);
    clock.increment(60_000);
    expect(told).to.have.length(4);
  });

  it("does not receive the event of an ended delay that an earlier one has cancelled or started again", async () => {
    const machine = createMachine({
      initial: "one",
      states: {
        one: {
          entry: raise({ type: "other" }, { id: "other", delay: 9_000 }),
          exit: cancel("other"),
          after: { 8000: { target: "one", reenter: true, actions: tell("again") } },
        },
      },
      on: { other: { actions: tell("other") } },
    });
    const text = await save(machine);
    clock.increment(60_000);
    await restore(machine, text);
    expect(told).to.deep.equal(["again"]);
    clock.increment(8_000);
    expect(told).to.deep.equal(["again", "again"]);
  });

  it("receives the event of an ended delay once, even if a timer is faster than its groups", async () => {
    const machine = setup({
      actors: {
        joiner: fromCallback(({ emit: effect }) => {
          effect({ type: "join", group: "a" } as never);
        }),
      },
    }).createMachine({
      invoke: { src: "joiner", id: "joiner" },
      initial: "one",
      states: { one: { after: { 8000: { target: "one", reenter: true, actions: fired } } } },
    });
    const text = await save(machine);
    clock.increment(60_000);
    const joining = gate();
    const { chat: layer } = runtime.layers as { readonly chat: MemoryLayer };
    const join = layer.groupAdd.bind(layer);
    let isRestored = false;
    layer.groupAdd = async (...given) => {
      if (isRestored) await joining.opened;
      isRestored = true;
      return join(...given);
    };
    const restoring = restore(machine, text);
    while (runtime.size === 0 || !isRestored) await nextTurn();
    await nextTurn();
    clock.increment(0);
    expect(told, "by the timer").to.deep.equal(["fired"]);
    joining.open();
    await restoring;
    expect(told, "by the restore").to.deep.equal(["fired"]);
    clock.increment(8_000);
    expect(told).to.deep.equal(["fired", "fired"]);
  });

  it("does not have a delay without an end, which never delivers its event", async () => {
    const machine = createMachine({
      entry: raise({ type: "late" }, { delay: Number.POSITIVE_INFINITY, id: "never" }),
      on: { late: { actions: fired } },
    });
    const text = await save(machine);
    expect(JSON.parse(text).delays).to.deep.equal([]);
    await restore(machine, text);
    clock.increment(60_000);
    expect(told).to.deep.equal([]);
  });

  it("can cancel a restored delay", async () => {
    const machine = createMachine({
      entry: raise({ type: "late" }, { id: "late", delay: 10_000 }),
      on: { late: { actions: fired }, "frame.stop": { actions: cancel("late") } },
    });
    const actor = await restore(machine, await save(machine));
    receive(actor, "stop");
    clock.increment(60_000);
    expect(told).to.deep.equal([]);
  });

  it("can be saved and restored again, without a change of its delays", async () => {
    const text = await save(late);
    const actor = await restore(late, text);
    clock.increment(1_000);
    expect(JSON.stringify(actor.snapshot())).to.equal(text);
    await actor.stop();
    await restore(late, JSON.stringify(JSON.parse(text)));
    clock.increment(5_000);
    expect(told).to.deep.equal(["fired"]);
  });

  it("measures what is left by the wall time, if the other process has another clock", async () => {
    const text = await save(late);
    clock = new SimulatedClock();
    clock.increment(123_456);
    const other = await serve({ layers: chat(), clock });
    await other.runtime.spawn(consumerOf(late), { snapshot: JSON.parse(text) });
    const { at } = JSON.parse(text).delays[0];
    expect(at).to.be.within(Date.now(), Date.now() + 6_000);
    clock.increment(6_000);
    expect(told).to.deep.equal(["fired"]);
  });

  it("keeps its states, histories and context, and does not run entry actions again", async () => {
    const machine = createMachine({
      context: { list: [1, { two: null }], text: "\u0000é🎭" },
      type: "parallel",
      entry: tell("entry"),
      states: {
        shallow: {
          initial: "on",
          states: {
            on: {
              initial: "one",
              states: { one: { on: { "frame.next": "two" } }, two: {}, past: { type: "history" } },
              on: { "frame.toggle": "off" },
            },
            off: { on: { "frame.toggle": "on.past" } },
          },
        },
        deep: {
          initial: "on",
          states: {
            on: {
              initial: "outer",
              states: {
                outer: { initial: "one", states: { one: { on: { "frame.next": "two" } }, two: {} } },
                past: { type: "history", history: "deep" },
              },
              on: { "frame.toggle": "off" },
            },
            off: { on: { "frame.toggle": "on.past" } },
          },
        },
        plain: {},
      },
    });
    const actor = await restore(machine, await save(machine, ["next", "toggle"]));
    expect(stateOf(actor)).to.deep.include({
      value: { shallow: "off", deep: "off", plain: {} },
      context: { list: [1, { two: null }], text: "\u0000é🎭" },
    });
    receive(actor, "toggle");
    expect(stateOf(actor).value).to.deep.equal({
      shallow: { on: "two" },
      deep: { on: { outer: "two" } },
      plain: {},
    });
    expect(told).to.deep.equal([]);
  });

  it("keeps its children: states, contexts, system ids, and references in its context", async () => {
    const counter = fromTransition((count: number, event: { readonly type: string }) => {
      if (event.type === "count") told.push(String(count + 1));
      return event.type === "count" ? count + 1 : count;
    }, 0);
    const door = createMachine({
      initial: "open",
      states: { open: { on: { close: "closed" } }, closed: { on: { ask: { actions: tell("closed") } } } },
    });
    const machine = setup({
      types: { context: {} as { readonly counter?: AnyActorRef } },
      actors: { counter, door },
    }).createMachine({
      context: {},
      invoke: { src: "door", id: "door", systemId: "the-door" },
      entry: assign(({ spawn }) => ({ counter: spawn("counter", { id: "counter" }) })),
      on: {
        "frame.change": {
          actions: [sendTo("door", { type: "close" }), sendTo("counter", { type: "count" })],
        },
        "frame.ask": {
          actions: [
            sendTo(({ system }) => system.get("the-door"), { type: "ask" }),
            sendTo(({ context }) => context.counter as AnyActorRef, { type: "count" }),
          ],
        },
      },
    });
    const actor = await restore(machine, await save(machine, ["change"]));
    receive(actor, "ask");
    expect(told).to.deep.equal(["closed", "2"]);
  });

  it("runs a promise, a callback and an observable again, with the same input", async () => {
    const machine = setup({
      actors: {
        promise: fromPromise<void, number>(({ input }) => {
          told.push(`promise ${input}`);
          return new Promise(() => {});
        }),
        callback: fromCallback<{ type: string }, number>(({ input }) => {
          told.push(`callback ${input}`);
        }),
        observable: fromObservable<number, number>(({ input }) => ({
          subscribe() {
            told.push(`observable ${input}`);
            return { unsubscribe() {} };
          },
        })),
      },
    }).createMachine({
      invoke: [
        { src: "promise", id: "promise", input: 1 },
        { src: "callback", id: "callback", input: 2 },
        { src: "observable", id: "observable", input: 3 },
      ],
    });
    await restore(machine, await save(machine));
    expect(told).to.deep.equal(["promise 1", "callback 2", "observable 3"]);
  });

  it("keeps a promise that has settled, and does not run it again", async () => {
    const machine = setup({
      actors: {
        promise: fromPromise(async () => {
          told.push("ran");
          return { sum: 3 };
        }),
      },
    }).createMachine({
      initial: "waiting",
      invoke: { src: "promise", id: "promise", onDone: ".done" },
      states: { waiting: {}, done: {} },
    });
    const actor = await runtime.spawn(consumerOf(machine));
    await until(() => stateOf(actor).value === "done");
    const text = JSON.stringify(actor.snapshot());
    const again = await restore(machine, text);
    expect(stateOf(again).children.promise?.getSnapshot()).to.deep.include({
      status: "done",
      output: { sum: 3 },
    });
    expect(told).to.deep.equal(["ran"]);
  });

  describe("does not receive again the outcome of", () => {
    const broken = createMachine({
      initial: "one",
      states: {
        one: { always: "two" },
        two: {
          entry: () => {
            throw new Error("no");
          },
        },
      },
    });
    const dated = createMachine({
      initial: "one",
      states: { one: { after: { 1: "two" } }, two: { type: "final" } },
      output: () => new Date(),
    });
    const outcomes: Readonly<Record<string, readonly [logic: AnyActorLogic, saved: object]>> = {
      "a promise that has failed": [
        fromPromise(async () => Promise.reject(new TypeError("no"))),
        { status: "error", error: "no" },
      ],
      "a promise that has failed with plain data": [
        fromPromise(async () => Promise.reject({ code: 7 })),
        { status: "error", error: { code: 7 } },
      ],
      "a promise whose output JSON cannot hold": [fromPromise(async () => new Date()), { status: "done" }],
      "a machine whose output JSON cannot hold": [dated, { status: "done" }],
      "a machine that has failed": [broken, { status: "error", error: "no" }],
    };
    for (const [name, [child, saved]] of Object.entries(outcomes)) {
      it(name, async () => {
        const ended = { target: ".ended", actions: tell("ended") };
        const machine = setup({ actors: { child } }).createMachine({
          initial: "waiting",
          invoke: { src: "child", id: "child", onDone: ended, onError: ended },
          states: { waiting: {}, ended: {} },
        });
        const actor = await runtime.spawn(consumerOf(machine));
        clock.increment(1);
        await until(() => stateOf(actor).value === "ended");
        const text = JSON.stringify(actor.snapshot());
        expect(JSON.parse(text).state.children.child.snapshot).to.deep.include(saved);
        const again = await restore(machine, text);
        await nextTurn();
        expect(stateOf(again)).to.include({ value: "ended", status: "active" });
        expect(told).to.deep.equal(["ended"]);
        expect(JSON.stringify(again.snapshot())).to.equal(text);
      });
    }
  });

  it("is in its groups, and has its tags, presences and watches", async () => {
    const meta = { since: 1_700_000_000_000, name: "Ada" };
    const machine = createMachine({
      entry: [
        ...["a", "b", "left"].map((group) => emit({ type: "join", group })),
        emit({ type: "leave", group: "left" }),
        ...["gate.7", "gate.8"].map((tag) => emit({ type: "tag", tag })),
        emit({ type: "untag", tag: "gate.8" }),
        emit({ type: "track", group: "lobby", meta, key: "gate" }),
        emit({ type: "track", group: "own" }),
        emit({ type: "watch", group: "watched" }),
      ],
      on: {
        "message.note": { actions: tell("note") },
        "message.presence_diff": {
          actions: ({ event }) => {
            if (event.message.group === "watched") told.push("diff");
          },
        },
      },
    });
    const text = await save(machine);
    expect(runtime.presenceCount("lobby"), "after stop").to.equal(0);
    const actor = await restore(machine, text);
    for (const group of ["a", "b", "left"])
      await runtime.layers.chat?.groupSend(group, { type: "note" } as never);
    await until(() => told.length === 2);
    const [seven, eight] = await Promise.all(["gate.7", "gate.8"].map((tag) => runtime.count(tag)));
    expect([seven?.count, eight?.count]).to.deep.equal([1, 0]);
    expect(Object.fromEntries(runtime.presence("lobby"))).to.deep.equal({ gate: [meta] });
    expect(Object.fromEntries(runtime.presence("own"))).to.deep.equal({ [actor.channel]: [{}] });
    await runtime.spawn(consumerOf(createMachine({ entry: emit({ type: "track", group: "watched" }) })));
    await until(() => told.includes("diff"));
    expect(told).to.deep.equal(["note", "note", "diff"]);
  });

  it("performs the effects that the event of an ended delay causes", async () => {
    const machine = createMachine({
      initial: "early",
      states: {
        early: { after: { 10000: "late" } },
        late: { entry: ["join", "tag"].map((type) => emit({ type, group: "late", tag: "late" })) },
      },
    });
    const text = await save(machine);
    clock.increment(60_000);
    expect((await restore(machine, text)).snapshot()).to.deep.include({ groups: ["late"], tags: ["late"] });
  });

  it("may end with the event of an ended delay: its reference tells the code and the reason", async () => {
    const machine = createMachine({
      initial: "valid",
      states: {
        valid: { after: { 10000: "expired" } },
        expired: { entry: emit({ type: "close", code: 4001, reason: "expired" }) },
      },
    });
    const text = await save(machine);
    clock.increment(60_000);
    const actor = await restore(machine, text);
    expect(await actor.done).to.deep.include({ code: 4001, reason: "expired" });
  });

  it("does not start if its connection ends while it joins its groups", async () => {
    const machine = setup({
      types: { emitted: {} as Effect },
      actors: { callback: fromCallback(() => tell("started")()) },
    }).createMachine({
      entry: [emit({ type: "join", group: "a" }), emit({ type: "tag", tag: "gate.7" })],
      invoke: { src: "callback", id: "callback" },
    });
    const text = await save(machine);
    const joining = gate();
    const { chat: layer } = runtime.layers as { readonly chat: MemoryLayer };
    layer.groupAdd = () => joining.opened;
    const restoring = restore(machine, text).catch((error: unknown) => error);
    await nextTurn();
    expect((await runtime.disconnect("gate.7", 4000, "bye")).count).to.equal(1);
    // The connection waits for its handler for `handlerGraceMs`.
    clock.increment(5_000);
    expect(await restoring).to.have.property("code", "ERR_CONNECTION_LOST");
    joining.open();
    await nextTurn();
    expect(told).to.deep.equal([]);
  });

  it("is restored twice from one snapshot, which does not change", async () => {
    const machine = setup({ actors: { late } }).createMachine({
      context: { child: undefined as unknown },
      entry: assign(({ spawn }) => ({ child: spawn("late", { id: "late" }) })),
      on: { "frame.stop": { actions: stopChild("late") } },
    });
    const snapshot = JSON.parse(await save(machine));
    const text = JSON.stringify(snapshot);
    for (const frames of [["stop"], []]) {
      receive(await runtime.spawn(consumerOf(machine), { snapshot }), ...frames);
      expect(JSON.stringify(snapshot)).to.equal(text);
    }
    clock.increment(60_000);
    expect(told).to.deep.equal(["fired"]);
  });
});
