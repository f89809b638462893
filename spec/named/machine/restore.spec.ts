import { expect } from "chai";
import {
  type AnyActorLogic,
  type AnyStateMachine,
  assign,
  createMachine,
  emit,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
} from "xstate";
import { SnapshotError } from "../../../actors/snapshot/snapshot-error.ts";
import { MachineRun } from "../../../named/machine/machine-run.ts";
import { until } from "../../layers/support/until.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { Stepped } from "./support/stepped.ts";

const fired = emit({ type: "fired" });
const day = 86_400_000;
const late = createMachine({
  initial: "only",
  states: { only: { after: { [30 * day]: { actions: fired } } } },
});

/** Machines that emit `fired` once after 30 days, and stay in their state. */
const delays: Readonly<Record<string, AnyStateMachine>> = {
  after: late,
  "a delayed raise with an id": createMachine({
    entry: raise({ type: "late" }, { delay: 30 * day, id: "late" }),
    on: { late: { actions: fired } },
  }),
  "a delayed raise without an id": createMachine({
    entry: raise({ type: "late" }, { delay: 30 * day }),
    on: { late: { actions: fired } },
  }),
  "a delayed sendTo itself": createMachine({
    entry: sendTo(({ self }) => self, { type: "late" }, { delay: 30 * day }),
    on: { late: { actions: fired } },
  }),
  "a delayed sendTo a child": setup({
    actors: { child: createMachine({ on: { late: { actions: fired } } }) },
  }).createMachine({
    invoke: { src: "child", id: "child" },
    entry: sendTo("child", { type: "late" }, { delay: 30 * day }),
  }),
  "a delayed sendParent": setup({
    actors: { child: createMachine({ entry: sendParent({ type: "late" }, { delay: 30 * day }) }) },
  }).createMachine({ invoke: { src: "child", id: "child" }, on: { late: { actions: fired } } }),
  "after of a child": setup({ actors: { late } }).createMachine({ invoke: { src: "late", id: "late" } }),
  "after of a child of a child": setup({
    actors: {
      child: setup({ actors: { late } }).createMachine({ entry: spawnChild("late", { id: "late" }) }),
    },
  }).createMachine({ entry: spawnChild("child", { id: "child" }) }),
};

/** The starts and stops of children. */
const told: string[] = [];
const promise = fromPromise<string, string>(({ input, signal }) => {
  told.push(`start ${input}`);
  signal.addEventListener("abort", () => told.push("stop"));
  return new Promise(() => {});
});
const callback = fromCallback<{ type: string }, string>(({ input, receive, sendBack }) => {
  told.push(`start ${input}`);
  receive(({ type }) => sendBack({ type: `${type} back` }));
  return () => void told.push("stop");
});
const observable = fromObservable<number, string>(({ input }) => {
  told.push(`start ${input}`);
  return {
    subscribe(observer) {
      (observer as { next(value: number): void }).next(1);
      return { unsubscribe: () => void told.push("stop") };
    },
  };
});

const withChild = (child: AnyActorLogic): AnyStateMachine =>
  setup({ actors: { child } }).createMachine({
    id: "parent",
    initial: "on",
    states: {
      on: {
        invoke: {
          src: "child",
          id: "child",
          input: "me",
          onSnapshot: { actions: emit(({ event }) => ({ type: "seen", context: event.snapshot.context })) },
        },
        on: { off: "off" },
      },
      off: {},
    },
    on: {
      ask: { actions: sendTo("child", { type: "ask" }) },
      "ask back": { actions: emit({ type: "answered" }) },
    },
  });

describe("A restored run of a machine", () => {
  beforeEach(() => {
    told.length = 0;
  });

  for (const [name, machine] of Object.entries(delays)) {
    it(`keeps a delay, which ends once: ${name}`, () => {
      const stepped = new Stepped(machine);
      for (let round = 0; round < 3; round += 1) {
        stepped.advance(7 * day);
        stepped.restore();
        expect(stepped.run.delays).to.have.length(1);
      }
      stepped.advance(9 * day - 1);
      expect(stepped.emitted).to.deep.equal([]);
      stepped.advance(1);
      expect(stepped.emitted).to.deep.equal([{ type: "fired" }]);
      expect(stepped.run.delays).to.deep.equal([]);
      stepped.restore();
      stepped.advance(100 * day);
      expect(stepped.emitted).to.deep.equal([{ type: "fired" }]);
    });
  }

  it("sets no timer of its own, before and after the restore", () => {
    const original = globalThis.setTimeout;
    let timers = 0;
    globalThis.setTimeout = ((...given: Parameters<typeof setTimeout>) => {
      timers += 1;
      return original(...given);
    }) as typeof setTimeout;
    try {
      for (const machine of Object.values(delays)) new Stepped(machine).restore();
    } finally {
      globalThis.setTimeout = original;
    }
    expect(timers).to.equal(0);
  });

  for (const [name, child] of Object.entries({ promise, callback, observable })) {
    it(`starts a running child anew, with its input: ${name}`, async () => {
      const stepped = new Stepped(withChild(child));
      expect([stepped.run.isBusy, told.splice(0)]).to.deep.equal([true, ["start me"]]);
      const saved = JSON.parse(JSON.stringify(stepped.run.saved()));
      stepped.run.stop();
      expect(told.splice(0)).to.deep.equal(["stop"]);
      const errors: unknown[] = [];
      const events: string[] = [];
      const run = MachineRun.restore(withChild(child), saved, {
        now: () => 0,
        onChild: ({ event }) => void events.push(event.type),
        onActionError: (error) => void errors.push(error),
      });
      expect([run.isBusy, told]).to.deep.equal([true, []]);
      run.committed();
      expect([run.isBusy, told.splice(0)]).to.deep.equal([true, ["start me"]]);
      await nextTurn();
      run.step({ type: "off" });
      expect([run.isBusy, told]).to.deep.equal([false, []]);
      run.committed();
      expect(told).to.deep.equal(["stop"]);
    });
  }

  it("keeps a child machine and a transition function, without their snapshot as an event", () => {
    const child = setup({ types: { context: {} as { n: number } } }).createMachine({
      id: "child",
      context: { n: 0 },
      on: { ask: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
    });
    for (const logic of [
      child,
      fromTransition((state: { n: number }, event) => ({ n: state.n + (event.type === "ask" ? 1 : 0) }), {
        n: 0,
      }),
    ]) {
      const stepped = new Stepped(withChild(logic));
      stepped.step("ask");
      stepped.emitted.length = 0;
      stepped.restore();
      expect(stepped.emitted).to.deep.equal([]);
      stepped.step("ask");
      expect(stepped.emitted).to.deep.equal([{ type: "seen", context: { n: 2 } }]);
      expect(stepped.run.isBusy).to.equal(false);
    }
  });

  it("does not repeat the outcome of a promise", async () => {
    const machine = setup({ actors: { child: fromPromise(async () => "sold") } }).createMachine({
      invoke: {
        src: "child",
        id: "child",
        onDone: { actions: emit(({ event }) => ({ type: event.output })) },
      },
    });
    const stepped = new Stepped(machine);
    await until(() => stepped.waiting.length > 0);
    stepped.takeChildren();
    expect([stepped.emitted, stepped.run.isBusy]).to.deep.equal([[{ type: "sold" }], false]);
    stepped.restore();
    await nextTurn();
    expect([stepped.waiting, stepped.run.isBusy]).to.deep.equal([[], false]);
  });

  for (const history of ["shallow", "deep"] as const) {
    it(`keeps a ${history} history`, () => {
      const machine = createMachine({
        initial: "on",
        states: {
          on: {
            initial: "one",
            states: {
              one: { on: { next: "two" } },
              two: { initial: "a", states: { a: { on: { next: "b" } }, b: {} } },
              past: { type: "history", history },
            },
            on: { off: "off" },
          },
          off: { on: { on: "on.past" } },
        },
      });
      const stepped = new Stepped(machine);
      for (const event of ["next", "next", "off"]) stepped.step(event);
      stepped.restore();
      stepped.step("on");
      expect(stepped.run.snapshot.value).to.deep.equal({ on: { two: history === "deep" ? "b" : "a" } });
    });
  }

  it("keeps regions, and does not repeat their entry actions", () => {
    const region = { initial: "a", states: { a: { entry: fired, on: { next: "b" } }, b: { entry: fired } } };
    const stepped = new Stepped(createMachine({ type: "parallel", states: { one: region, two: region } }));
    stepped.step("next");
    expect(stepped.emitted).to.have.length(4);
    stepped.restore();
    expect(stepped.run.snapshot.value).to.deep.equal({ one: "b", two: "b" });
    expect(stepped.emitted).to.have.length(4);
  });

  it("keeps a system id, which a new child can take after the old one has ended", () => {
    const machine = setup({
      actors: {
        child: createMachine({
          on: { ask: { actions: fired }, end: ".end" },
          initial: "on",
          states: { on: {}, end: { type: "final" } },
        }),
      },
    }).createMachine({
      invoke: { src: "child", id: "child", systemId: "kid" },
      on: {
        ask: { actions: sendTo(({ system }) => system.get("kid"), { type: "ask" }) },
        end: { actions: sendTo("child", { type: "end" }) },
        again: { actions: spawnChild("child", { id: "second", systemId: "kid" }) },
      },
    });
    const stepped = new Stepped(machine);
    stepped.restore();
    stepped.step("ask");
    expect(() => stepped.step("again")).to.throw("kid");
    for (const event of ["end", "again"]) stepped.step(event);
    stepped.restore();
    stepped.step("ask");
    expect(stepped.emitted).to.have.length(2);
  });

  it("cancels the delay of a state that is left or entered again after the restore", () => {
    const machine = createMachine({
      initial: "on",
      states: {
        on: {
          after: { 100: { actions: fired } },
          on: { again: { target: "on", reenter: true }, off: "off" },
        },
        off: {},
      },
    });
    const stepped = new Stepped(machine);
    stepped.advance(60);
    stepped.restore();
    stepped.step("again");
    stepped.advance(60);
    expect(stepped.emitted).to.deep.equal([]);
    stepped.restore();
    stepped.advance(40);
    expect(stepped.emitted).to.have.length(1);
    stepped.step("again");
    stepped.restore();
    stepped.step("off");
    expect(stepped.run.delays).to.deep.equal([]);
  });

  it("has a reference to its child in its context", () => {
    const machine = setup({
      actors: { child: createMachine({ on: { ask: { actions: fired } } }) },
    }).createMachine({
      context: ({ spawn }) => ({ kid: spawn("child", { id: "kid" }) }),
      on: { ask: { actions: sendTo(({ context }) => context.kid, { type: "ask" }) } },
    });
    const stepped = new Stepped(machine);
    stepped.restore();
    stepped.step("ask");
    expect(stepped.emitted).to.have.length(1);
  });

  it("is refused if the machine lacks a state or child, or has another id", () => {
    const options = { now: () => 0, onChild: () => {}, onActionError: () => {} };
    const saved = new Stepped(withChild(promise)).run.saved();
    const other = setup({ actors: {} }).createMachine({ id: "parent", initial: "on", states: { on: {} } });
    for (const machine of [other, late]) {
      expect(() => MachineRun.restore(machine, saved, options)).to.throw(SnapshotError);
    }
    const broken = { ...saved, state: { ...saved.state, value: "elsewhere" } };
    expect(() => MachineRun.restore(withChild(promise), broken, options)).to.throw(
      SnapshotError,
      "elsewhere",
    );
  });
});
