import { expect } from "chai";
import {
  type AnyEventObject,
  type AnyStateMachine,
  assign,
  cancel,
  createMachine,
  emit,
  fromCallback,
  fromPromise,
  log,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from "xstate";
import { SnapshotError } from "../../../actors/snapshot/snapshot-error.ts";
import { ChildFailedError } from "../../../named/machine/child-failed-error.ts";
import { MachineRun } from "../../../named/machine/machine-run.ts";
import { until } from "../../layers/support/until.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { Stepped } from "./support/stepped.ts";

/** The calls of custom actions, and the starts and stops of children. */
const told: string[] = [];
const tell = (text: string) => () => void told.push(text);
const callback = fromCallback<{ type: string }, string>(({ input, receive, sendBack, emit: emitted }) => {
  told.push(`start ${input}`);
  sendBack({ type: "early" });
  receive(({ type }) => {
    told.push(type);
    emitted({ type: "emitted" });
    sendBack({ type: "answer" });
  });
  return () => void told.push(`stop ${input}`);
});

/** Machines whose event `go` fails, and the error. */
const failing: Readonly<Record<string, readonly [AnyStateMachine, RegExp]>> = {
  "an assign that throws": [
    createMachine({
      on: {
        go: {
          actions: assign(() => {
            throw new Error("no");
          }),
        },
      },
    }),
    /^no$/,
  ],
  "a guard that throws": [
    createMachine({
      on: {
        go: {
          guard: () => {
            throw new Error("no");
          },
        },
      },
    }),
    /no$/,
  ],
  "a value that cannot be saved": [
    createMachine({ on: { go: { actions: assign({ deep: () => ({ at: new Date() }) }) } } }),
    /^A snapshot cannot hold state\.context\.deep\.at, which is an instance of Date/,
  ],
  "a delayed event that cannot be saved": [
    createMachine({
      on: { go: { actions: raise({ type: "x", at: 1n } as AnyEventObject, { delay: 5, id: "d" }) } },
    }),
    /delays\["d"\]\.event\.at, which is a bigint/,
  ],
  "an output that cannot be saved": [
    createMachine({
      initial: "a",
      states: { a: { on: { go: "b" } }, b: { type: "final" } },
      output: () => ({ at: new Map() }),
    }),
    /output\.at, which is an instance of Map/,
  ],
  "a loop of transitions": [
    createMachine({
      initial: "a",
      states: { a: { on: { go: "b" } }, b: { always: "c" }, c: { always: "b" } },
    }),
    /too many microsteps/,
  ],
  "a loop between a machine and its child": [
    setup({
      actors: { child: createMachine({ on: { ping: { actions: sendParent({ type: "go" }) } } }) },
    }).createMachine({
      invoke: { src: "child", id: "child" },
      on: { go: { actions: sendTo("child", { type: "ping" }) } },
    }),
    /too many microsteps/,
  ],
  "a child without an id": [
    setup({ actors: { callback } }).createMachine({
      on: { go: { actions: spawnChild("callback", { input: "me" } as { id: string; input: string }) } },
    }),
    /spawned without an id/,
  ],
  "a child without the name of its logic": [
    createMachine({ on: { go: { actions: spawnChild(callback, { id: "child" }) } } }),
    /without the name of its logic/,
  ],
  "a child machine that fails": [
    setup({
      actors: {
        child: createMachine({
          on: {
            go: {
              actions: assign(() => {
                throw new Error("no");
              }),
            },
          },
        }),
      },
    }).createMachine({
      invoke: { src: "child", id: "child" },
      on: { go: { actions: sendTo("child", { type: "go" }) } },
    }),
    /^no$/,
  ],
};

const options = { now: () => 0, onChild: () => {}, onActionError: () => {} };

describe("A step of a machine", () => {
  beforeEach(() => {
    told.length = 0;
  });

  for (const [name, [machine, message]] of Object.entries(failing)) {
    it(`changes nothing if it fails: ${name}`, () => {
      const stepped = new Stepped(machine);
      const before = JSON.stringify(stepped.run.saved());
      for (let attempt = 0; attempt < 3; attempt += 1) {
        expect(() => stepped.step("go")).to.throw(message);
        expect(JSON.stringify(stepped.run.saved())).to.equal(before);
      }
      expect(stepped.step("other")).to.deep.equal({
        changed: false,
        emitted: [],
        status: "active",
        taken: false,
      });
      stepped.restore();
      expect(() => stepped.step("go")).to.throw(message);
      stepped.run.committed();
      expect(told).to.deep.equal([]);
    });
  }

  it("fails if the first state fails", () => {
    const failingEntry = createMachine({
      entry: assign(() => {
        throw new Error("no");
      }),
    });
    expect(() => MachineRun.start(failingEntry, undefined, options)).to.throw("no");
    const unsaved = createMachine({ context: { at: new Date() } });
    expect(() => MachineRun.start(unsaved, undefined, options)).to.throw(SnapshotError, "state.context.at");
  });

  it("leaves a running child untouched if it fails", async () => {
    const machine = setup({ types: { context: {} as { n: number } }, actors: { callback } }).createMachine({
      context: { n: 0 },
      initial: "on",
      states: {
        on: { invoke: { src: "callback", id: "child", systemId: "kid", input: "me" }, on: { off: "off" } },
        off: {
          entry: [
            spawnChild("callback", { id: "other", systemId: "kid", input: "other" }),
            assign(() => {
              throw new Error("no");
            }),
          ],
        },
      },
      on: { ask: { actions: sendTo(({ system }) => system.get("kid"), { type: "asked" }) } },
    });
    const stepped = new Stepped(machine);
    expect(() => stepped.step("off")).to.throw("no");
    stepped.run.committed();
    stepped.step("ask");
    expect(told).to.deep.equal(["start me", "asked"]);
    await nextTurn();
    expect(stepped.waiting.map(({ event }) => event.type)).to.deep.equal(["early", "emitted", "answer"]);
    expect(stepped.run.isBusy).to.equal(true);
  });

  it("runs custom actions, then stops and starts children, only when it is committed", async () => {
    const machine = setup({ actors: { callback } }).createMachine({
      entry: tell("entry"),
      initial: "a",
      states: {
        a: { invoke: { src: "callback", id: "child", input: "a" }, on: { next: "b" } },
        b: {
          entry: [tell("enter b"), log("logged"), sendTo("child", { type: "hello" })],
          invoke: { src: "callback", id: "child", input: "b" },
          on: { next: "c" },
        },
        c: { entry: tell("enter c") },
      },
    });
    const logged: unknown[] = [];
    const logger = (value: unknown) => void logged.push(value);
    const { run } = MachineRun.start(machine, undefined, { ...options, logger });
    run.step({ type: "next" });
    run.step({ type: "next" });
    expect([told, logged, run.isBusy]).to.deep.equal([[], [], false]);
    run.committed();
    expect([told.splice(0), logged]).to.deep.equal([["entry", "enter b", "enter c"], ["logged"]]);

    const other = MachineRun.start(machine, undefined, { ...options, logger }).run;
    other.committed();
    told.length = 0;
    other.step({ type: "next" });
    expect(told).to.deep.equal([]);
    other.committed();
    expect(told.splice(0)).to.deep.equal(["enter b", "stop a", "start b", "hello"]);
    other.stop();
    expect(told.pop()).to.equal("stop b");
  });

  it("reports an action that throws, and runs the others", () => {
    const error = new Error("no");
    const actions = [
      () => {
        throw error;
      },
      tell("second"),
    ];
    const stepped = new Stepped(createMachine({ on: { go: { actions } } }));
    expect(stepped.step("go")).to.deep.include({ taken: true, changed: false });
    expect([stepped.actionErrors, told]).to.deep.equal([[error], ["second"]]);
  });

  it("takes an event that an action sends, and one that a child emits, in later steps", async () => {
    const machine = setup({ actors: { callback } }).createMachine({
      invoke: { src: "callback", id: "child", input: "me" },
      on: {
        go: { actions: ({ self }) => self.send({ type: "sent" }) },
        sent: { actions: [emit({ type: "taken" }), sendTo("child", { type: "ask" })] },
        early: { actions: emit({ type: "early" }) },
        answer: { actions: emit({ type: "answered" }) },
      },
    });
    const stepped = new Stepped(machine);
    expect(stepped.step("go").emitted).to.deep.equal([]);
    for (let turn = 0; turn < 3; turn += 1) {
      await nextTurn();
      stepped.takeChildren();
    }
    const types = stepped.emitted.map((event) => (event as { type: string }).type);
    expect(types).to.deep.equal(["early", "taken", "emitted", "answered"]);
  });

  it("fails with a ChildFailedError if a promise fails, can be repeated, and is taken by `onError`", async () => {
    const invoke = { src: "child", id: "child" } as const;
    const child = fromPromise(async () => {
      throw new Error("no");
    });
    const actors = { child: setup({ actors: { child } }).createMachine({ invoke }) };
    const stepped = new Stepped(setup({ actors }).createMachine({ invoke }));
    await until(() => stepped.waiting.length > 0);
    const [event] = stepped.waiting.splice(0);
    const before = JSON.stringify(stepped.run.saved());
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const fail = () => event && stepped.run.stepChild(event);
      expect(fail).to.throw(ChildFailedError, 'The child "child.child" has failed: no');
      expect(JSON.stringify(stepped.run.saved())).to.equal(before);
      expect(stepped.run.isBusy).to.equal(true);
    }

    const handled = setup({ actors }).createMachine({
      invoke: { ...invoke, onError: { actions: emit({ type: "failed" }) } },
    });
    const other = new Stepped(handled);
    await until(() => other.waiting.length > 0);
    other.takeChildren();
    expect([other.emitted, other.run.isBusy]).to.deep.equal([[{ type: "failed" }], false]);
    other.restore();
  });

  it("ignores the event of a child that was removed meanwhile", async () => {
    const machine = setup({ actors: { callback } }).createMachine({
      entry: spawnChild("callback", { id: "child", input: "me" }),
      on: { early: { actions: emit({ type: "early" }) }, stop: { actions: stopChild("child") } },
    });
    const stepped = new Stepped(machine);
    await until(() => stepped.waiting.length > 0);
    stepped.step("stop");
    stepped.takeChildren();
    expect([stepped.emitted, told]).to.deep.equal([[], ["start me", "stop me"]]);
  });

  it("keeps the delay of a step that failed, until it is dropped, and ignores a cancelled one", () => {
    const machine = createMachine({
      entry: raise({ type: "late" }, { delay: 10, id: "late" }),
      on: {
        late: {
          actions: assign(() => {
            throw new Error("no");
          }),
        },
      },
    });
    const stepped = new Stepped(machine);
    const [delay] = stepped.run.delays;
    if (delay === undefined) throw new Error("The machine has no delay.");
    expect(delay).to.deep.equal({ at: 10, id: "late", event: { type: "late" }, source: [], target: [] });
    expect(() => stepped.run.stepDelay(delay)).to.throw("no");
    expect(stepped.run.delays).to.deep.equal([delay]);
    expect([stepped.run.dropDelay(delay), stepped.run.dropDelay(delay)]).to.deep.equal([true, false]);
    expect([stepped.run.delays, stepped.run.saved().delays]).to.deep.equal([[], []]);
    expect(stepped.run.stepDelay(delay)).to.deep.include({ changed: false, taken: false });
  });

  it("ends with the output, without delays, and takes nothing afterwards", () => {
    const machine = setup({ actors: { callback } }).createMachine({
      invoke: { src: "callback", id: "child", input: "me" },
      initial: "a",
      states: { a: { after: { 1000: "b" }, on: { go: "b" } }, b: { type: "final" } },
      output: { price: 5 },
    });
    const stepped = new Stepped(machine);
    expect(stepped.step("go")).to.deep.equal({
      changed: true,
      emitted: [],
      status: "done",
      output: { price: 5 },
      taken: true,
    });
    expect(stepped.run.saved()).to.deep.include({ delays: [] });
    expect(stepped.run.saved().state).to.deep.include({ status: "done", output: { price: 5 } });
    expect(told).to.deep.equal(["start me", "stop me"]);
    expect(stepped.step("go")).to.deep.include({ changed: false, taken: false, status: "done" });
  });

  it("does not take an event that its state forbids", () => {
    const stepped = new Stepped(
      createMachine({ initial: "a", on: { go: ".b" }, states: { a: { on: { go: undefined } }, b: {} } }),
    );
    expect(stepped.step("go")).to.deep.include({ taken: false, changed: false });
  });

  it("is not late for an endless delay, and ends at once for a negative one", () => {
    const machine = createMachine({
      entry: [
        raise({ type: "never" }, { delay: Number.POSITIVE_INFINITY }),
        raise({ type: "now" }, { delay: -5 }),
      ],
    });
    const stepped = new Stepped(machine);
    expect(stepped.run.delays.map(({ at, event }) => [at, event.type])).to.deep.equal([[0, "now"]]);
  });

  it("delivers each of two delays with one id, and cancels both together", () => {
    const machine = createMachine({
      on: {
        set: { actions: raise({ type: "late" }, { delay: 10, id: "late" }) },
        unset: { actions: cancel("late") },
        late: { actions: emit({ type: "fired" }) },
      },
    });
    const stepped = new Stepped(machine);
    for (const event of ["set", "set"]) stepped.step(event);
    stepped.restore();
    stepped.advance(10);
    expect(stepped.emitted).to.have.length(2);
    for (const event of ["set", "set", "unset"]) stepped.step(event);
    expect(stepped.run.delays).to.deep.equal([]);
  });
});
