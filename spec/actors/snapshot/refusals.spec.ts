import { expect } from "chai";
import {
  type ActorRef,
  type ConsumerClass,
  machineConsumer,
  SnapshotError,
  WebSocketConsumer,
} from "greenroom";
import {
  type AnyStateMachine,
  assign,
  createActor,
  createMachine,
  emit,
  fromPromise,
  raise,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from "xstate";
import { until } from "../../layers/support/until.ts";
import { chat, type Failure, serve, stopServing } from "../../support/serving.ts";

class Item {}

const itself: Record<string, unknown> = {};
itself.items = [{ itself }];

let deep: object = {};
for (let depth = 0; depth < 10_000; depth += 1) deep = { deep };

/** Values of a context that JSON would drop, change or refuse: the path and the kind in the error. */
const values: Readonly<Record<string, readonly [value: unknown, path: string, kind: string]>> = {
  "a Map": [new Map(), "", "an instance of Map"],
  "a Set": [{ ids: new Set() }, ".ids", "an instance of Set"],
  "a Date": [[0, { at: new Date() }], "[1].at", "an instance of Date"],
  "a function": [{ "on click": () => {} }, '["on click"]', "a function"],
  "an instance of a class": [new Item(), "", "an instance of Item"],
  "an instance of a class without a name": [new (class {})(), "", "an instance of an unnamed class"],
  "an error": [new TypeError("no"), "", "an instance of TypeError"],
  "a promise": [Promise.resolve(), "", "an instance of Promise"],
  "a regular expression": [/a/, "", "an instance of RegExp"],
  bytes: [new Uint8Array(1), "", "an instance of Uint8Array"],
  "a bigint": [{ id: 1n }, ".id", "a bigint"],
  "a symbol": [Symbol("s"), "", "a symbol"],
  "a symbol as a key": [{ [Symbol("s")]: 1 }, "", "an object with a symbol as key"],
  NaN: [{ a: { b: Number.NaN } }, ".a.b", "NaN"],
  Infinity: [Number.POSITIVE_INFINITY, "", "Infinity"],
  "undefined in an array": [[undefined], "[0]", "undefined"],
  "a hole in an array": [new Array(1), "[0]", "undefined"],
  "a property of an array": [
    Object.assign([1], { total: 1 }),
    "",
    "an array with properties besides its items",
  ],
  "an object that contains itself": [itself, ".items[0].itself", "an object that contains itself"],
  "an object with very many levels": [deep, ".deep".repeat(499), "nested deeper than 500 levels"],
  "an object that XState takes for a reference": [{ xstate$$type: 1, id: "child" }, "", "as an actor"],
  "an object that XState takes for an actor": [
    { sessionId: 1, send: 1, ref: 1, id: "child" },
    "",
    "is not a child of this machine",
  ],
};

const late = createMachine({ initial: "early", states: { early: { after: { 10000: "late" } }, late: {} } });
const stopped = setup({ actors: { late } }).createMachine({
  context: { old: undefined as unknown },
  entry: [assign(({ spawn }) => ({ old: spawn("late", { id: "late" }) })), stopChild("late")],
});
const stranger = createActor(late).start();

/** Machines that cannot be saved, and the error. */
const machines: Readonly<Record<string, readonly [machine: AnyStateMachine, message: string]>> = {
  "a child without a named logic": [
    createMachine({ entry: spawnChild(late, { id: "late" }) }),
    "A snapshot cannot hold state.children.late, which was spawned without the name of its logic: " +
      "add the logic to the `actors` of `setup`, and spawn it by its name.",
  ],
  "a child without an id": [
    setup({ actors: { late } }).createMachine({ entry: spawnChild("late") }),
    "A snapshot cannot hold state.children.undefined, which was spawned without an id: spawn it with an `id`.",
  ],
  "a spawned child without an id": [
    setup({ actors: { late } }).createMachine({
      context: ({ spawn }) => ({ child: spawn("late") }),
    }),
    "which was spawned without an id",
  ],
  "a reference to a stopped child": [
    stopped,
    'A snapshot cannot hold state.context.old, because the actor "late" is not a child of this machine: ' +
      "remove the reference from the context, for example when you stop the actor.",
  ],
  "a value in the context of a child": [
    setup({ actors: { child: createMachine({ context: { at: new Date() } }) } }).createMachine({
      invoke: { src: "child", id: "child" },
    }),
    "A snapshot cannot hold state.children.child.snapshot.context.at, which is an instance of Date.",
  ],
  "a value in the input of a promise": [
    setup({ actors: { load: fromPromise(() => new Promise(() => {})) } }).createMachine({
      invoke: { src: "load", id: "load", input: { signal: new AbortController().signal } as never },
    }),
    "A snapshot cannot hold state.children.load.snapshot.input.signal, which is an instance of AbortSignal.",
  ],
  "a value in a delayed event": [
    createMachine({ entry: raise({ type: "late", at: new Date() } as never, { delay: 1, id: "soon" }) }),
    'A snapshot cannot hold delays["soon"].event.at, which is an instance of Date.',
  ],
  "a delay to an actor of another system": [
    createMachine({ entry: sendTo(() => stranger, { type: "late" }, { delay: 10_000, id: "soon" }) }),
    `A snapshot cannot hold delays["soon"], because its actor "${stranger.id}" is not a child of the machine.`,
  ],
  "bytes in a meta": [
    createMachine({ entry: emit({ type: "track", group: "lobby", meta: { icon: new Uint8Array(1) } }) }),
    'A snapshot cannot hold presence["lobby"].meta.icon, which is an instance of ',
  ],
};

const child = createMachine({ initial: "one", states: { one: { after: { 10000: "two" } }, two: {} } });

/** A machine with each kind of part, in the version that is saved. */
const gate = setup({ actors: { child, load: fromPromise(() => new Promise(() => {})) } }).createMachine({
  id: "gate",
  context: ({ spawn }) => ({ child: spawn("child", { id: "spawned" }) }),
  type: "parallel",
  invoke: { src: "load", id: "load" },
  states: {
    door: {
      initial: "on",
      states: {
        on: {
          initial: "open",
          states: { open: { on: { "frame.off": "#gate.door.off" } }, past: { type: "history" } },
        },
        off: { on: { "frame.on": "on" } },
      },
    },
    lamp: { initial: "off", states: { off: { after: { 10000: "on" } }, on: {} } },
  },
});

/** Changes of a snapshot of {@link gate}: the path, the value at this path (else removed), and the error. */
const changes: Readonly<Record<string, readonly [path: string, value: unknown, message: string]>> = {
  "another version": ["version", 2, "has version 2 of the format"],
  "another machine": [
    "machine",
    "door",
    'The snapshot is of the machine "door", but this consumer runs the machine "gate".',
  ],
  "a state that the machine lacks": [
    "state/value/lamp",
    "broken",
    'state.value.lamp needs the state "broken" in "gate.lamp", which the machine lacks.',
  ],
  "a name that every object has": [
    "state/value/lamp",
    "constructor",
    'state.value.lamp needs the state "constructor" in "gate.lamp"',
  ],
  "a history as a state": ["state/value/door", { on: "past" }, 'needs the state "past"'],
  "a region that the machine lacks": [
    "state/value/roof",
    "closed",
    'state.value needs the state "roof" in "gate"',
  ],
  "a missing region": [
    "state/value/lamp",
    undefined,
    'state.value has to name each region of "gate": "door", "lamp".',
  ],
  "a state that stops short of an atomic state": [
    "state/value/door",
    "on",
    'state.value.door.on has to name one state of "gate.door.on": "open".',
  ],
  "two states of one region": [
    "state/value/lamp",
    { off: {}, on: {} },
    'state.value.lamp has to name one state of "gate.lamp": "off", "on".',
  ],
  "no state": ["state/value", undefined, "state.value has to name each region"],
  "an ended machine": ["state/status", "done", 'has the status "done"'],
  "a child that the machine lacks": [
    "state/children/spawned/src",
    "unknown",
    'state.children.spawned needs the actor "unknown", which the machine lacks.',
  ],
  "a child with the name of every object": [
    "state/children/spawned/src",
    "toString",
    'state.children.spawned needs the actor "toString"',
  ],
  "a child of an unnamed logic that the machine lacks": [
    "state/children/spawned/src",
    "xstate.invoke.0.gate.lamp",
    'needs the actor "xstate.invoke.0.gate.lamp"',
  ],
  "a child of another kind": [
    "state/children/spawned/src",
    "load",
    'state.children.spawned needs the actor "load" of the same kind',
  ],
  "a state that a child lacks": [
    "state/children/spawned/snapshot/value",
    "three",
    'state.children.spawned.snapshot.value needs the state "three"',
  ],
  "a malformed child": ["state/children/spawned", 7, "snapshot.state.children.spawned is not a saved child."],
  "a reference to a missing child": [
    "state/children/spawned",
    undefined,
    'snapshot.state.context.child refers to the child "spawned", which is not saved.',
  ],
  "a history of a state that the machine lacks": [
    "state/historyValue/gate.door.on.past",
    [{ id: "gate.door.on.gone" }],
    'needs the state "gate.door.on.gone"',
  ],
  "a history that the machine lacks": [
    "state/historyValue/gate.past",
    [{ id: "gate.lamp" }],
    'needs the state "gate.past"',
  ],
  "a delay of a missing child": ["delays/0/source", ["gone"], 'needs the child "gone"'],
  "a delay to a missing child": ["delays/0/target", ["spawned", "gone"], 'needs the child "spawned.gone"'],
  "an `after` that the machine lacks": [
    "delays/0/event/type",
    "xstate.after.5000.gate.lamp.off",
    "needs the transition in its active states, which the machine lacks.",
  ],
  "a missing context": ["state/context", undefined, "snapshot.state.context is not valid"],
  "a missing context of a child": [
    "state/children/spawned/snapshot/context",
    undefined,
    "snapshot.state.children.spawned.snapshot.context is not valid",
  ],
  "a value that JSON cannot hold": [
    "state/context/at",
    new Date(),
    "A snapshot cannot hold snapshot.state.context.at, which is an instance of Date.",
  ],
  "missing delays": ["delays", undefined, "snapshot.delays is not valid"],
  "a malformed delay": ["delays/0/at", null, "snapshot.delays is not valid"],
  "malformed groups": ["groups", [7], "snapshot.groups is not valid"],
  "malformed tags": ["tags", "a", "snapshot.tags is not valid"],
  "a malformed presence": ["presence", [{ key: "a" }], "snapshot.presence is not valid"],
  "malformed watches": ["watches", undefined, "snapshot.watches is not valid"],
};

function change(snapshot: object, path: string, value: unknown): void {
  const keys = path.split("/");
  const last = keys.pop() as string;
  let at = snapshot as Record<string, object>;
  for (const key of keys) at = at[key] as Record<string, object>;
  if (value === undefined) delete at[last];
  else at[last] = value as object;
}

describe("A snapshot", () => {
  let runtime: { spawn(consumer: ConsumerClass, scope?: object): Promise<ActorRef>; readonly size: number };
  let failures: Failure[];

  beforeEach(async () => {
    const serving = await serve({ layers: chat() });
    ({ failures } = serving);
    runtime = serving.runtime as never;
  });
  afterEach(stopServing);
  after(() => stranger.stop());

  const consumerOf = (machine: AnyStateMachine) => machineConsumer(machine, { layer: "chat" });

  function failureOf(work: () => unknown): Error {
    try {
      work();
    } catch (error) {
      expect(error).to.be.instanceOf(SnapshotError).with.property("code", "ERR_SNAPSHOT");
      return error as Error;
    }
    throw new Error("Nothing failed.");
  }

  async function refusalOf(Consumer: ConsumerClass, snapshot: unknown): Promise<string> {
    const error = await runtime.spawn(Consumer, { snapshot }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(SnapshotError);
    return (error as Error).message;
  }

  describe("is refused when it is taken, for", () => {
    for (const [name, [value, path, kind]] of Object.entries(values)) {
      it(`${name} in the context`, async () => {
        const actor = await runtime.spawn(consumerOf(createMachine({ context: { value } })));
        const { message } = failureOf(() => actor.snapshot());
        expect(message).to.contain(`A snapshot cannot hold state.context.value${path}`);
        expect(message).to.contain(kind);
        expect(actor.machine.getSnapshot().matches("joined"), "the actor goes on").to.equal(true);
      });
    }

    for (const [name, [machine, message]] of Object.entries(machines)) {
      it(name, async () => {
        const actor = await runtime.spawn(consumerOf(machine));
        expect(failureOf(() => actor.snapshot()).message).to.contain(message);
      });
    }

    it("an actor that has ended", async () => {
      const actor = await runtime.spawn(consumerOf(gate));
      const ended = actor.stop();
      expect(failureOf(() => actor.snapshot()).message).to.contain("before stop()");
      await ended;
      expect(failureOf(() => actor.snapshot()).message).to.contain("before stop()");
    });

    it("an actor without a machine", async () => {
      class Room extends WebSocketConsumer {}
      const actor = await runtime.spawn(Room);
      expect(failureOf(() => actor.snapshot()).message).to.equal(
        "Room is not a machineConsumer: only the state of a machine can be saved.",
      );
    });
  });

  it("holds no value that JSON changes, such as a negative zero, and keeps any key", async () => {
    const context = { zero: -0, nothing: undefined, ...JSON.parse('{"__proto__":{"a":1},"":[]}') };
    const actor = await runtime.spawn(consumerOf(createMachine({ context })));
    const snapshot = actor.snapshot();
    expect(JSON.parse(JSON.stringify(snapshot))).to.deep.equal(snapshot);
    expect(JSON.stringify(snapshot.state.context)).to.equal('{"zero":0,"__proto__":{"a":1},"":[]}');
  });

  describe("is refused when it is restored, with", () => {
    for (const [name, [path, value, message]] of Object.entries(changes)) {
      it(name, async () => {
        const Gate = consumerOf(gate);
        const actor = await runtime.spawn(Gate);
        for (const type of ["off", "on"]) actor.receive(JSON.stringify({ type }));
        const snapshot = structuredClone(actor.snapshot());
        await (await runtime.spawn(Gate, { snapshot })).stop();
        await actor.stop();
        change(snapshot, path, value);
        expect(await refusalOf(Gate, snapshot)).to.contain(message);
        expect(failures.splice(0)).to.have.length(1);
        await until(() => runtime.size === 0);
      });
    }
  });

  it("is refused if it is anything else, such as a snapshot of XState", async () => {
    const Gate = consumerOf(gate);
    const actor = await runtime.spawn(Gate);
    const { machineActor } = actor;
    for (const snapshot of [
      machineActor?.getPersistedSnapshot(),
      machineActor?.getSnapshot(),
      JSON.parse(JSON.stringify(machineActor)),
      null,
      7,
      "text",
      {},
      [],
      { version: "1", machine: "gate" },
    ]) {
      expect(await refusalOf(Gate, snapshot)).to.equal(
        "This is not a snapshot of an actor: save it with the method snapshot() of a spawned actor, before stop(). " +
          "A snapshot that XState's getPersistedSnapshot() returns has no delays, groups, tags and presence.",
      );
    }
  });

  it("is refused by a consumer that does not run a machine", async () => {
    class Room extends WebSocketConsumer {}
    expect(await refusalOf(Room, {})).to.equal(
      "Room is not a machineConsumer, so it cannot restore a snapshot.",
    );
    expect(runtime.size).to.equal(0);
  });
});
