import { expect } from "chai";
import { type ActorRef, type Effect, type FrameEvents, machineConsumer } from "greenroom";
import {
  type AnyActorLogic,
  type AnyEventObject,
  assign,
  createMachine,
  emit,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise,
  fromTransition,
  sendTo,
  setup,
  spawnChild,
} from "xstate";
import { gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";

const say = (from: string) => ({ type: "send", frame: { from } }) as const satisfies Effect;

/** An observable that never emits a value. */
const silence = { subscribe: () => ({ unsubscribe() {} }) } as never;

const grandchild = setup({ types: { emitted: {} as Effect } }).createMachine({
  id: "grandchild",
  entry: emit(say("grandchild")),
});

/** Actors of each kind. Each of them emits an effect when it starts. */
const kinds = {
  machine: setup({ types: { emitted: {} as Effect } }).createMachine({ entry: emit(say("machine")) }),
  "machine that ends at once": setup({ types: { emitted: {} as Effect } }).createMachine({
    initial: "end",
    states: { end: { type: "final", entry: emit(say("machine that ends at once")) } },
  }),
  "machine with a child": setup({
    types: { emitted: {} as Effect },
    actors: { grandchild },
  }).createMachine({ invoke: { src: "grandchild" }, entry: emit(say("machine with a child")) }),
  callback: fromCallback<AnyEventObject, undefined, Effect>(({ emit: tell }) => {
    tell(say("callback"));
  }),
  promise: fromPromise<void, undefined, Effect>(async ({ emit: tell }) => {
    await nextTurn();
    tell(say("promise"));
  }),
  observable: fromObservable<undefined, undefined, Effect>(({ emit: tell }) => {
    tell(say("observable"));
    return silence;
  }),
  "event observable": fromEventObservable<AnyEventObject, undefined, Effect>(({ emit: tell }) => {
    tell(say("event observable"));
    return silence;
  }),
} as const;

describe("The actors of a consumer's machine", () => {
  afterEach(stopServing);

  async function spawn(machine: Parameters<typeof machineConsumer>[0], options: object = {}) {
    const { runtime, failures } = await serve({ layers: chat() });
    const actor: ActorRef = await runtime.spawn(
      machineConsumer(machine, { layer: "chat", ...options }) as never,
    );
    return { actor, runtime, failures };
  }

  const next = async (actor: ActorRef) => JSON.parse(String((await actor.outgoing.next()).value));
  const froms = async (actor: ActorRef, count: number) => {
    const values: string[] = [];
    while (values.length < count) values.push((await next(actor)).from);
    return values.sort();
  };

  for (const [kind, logic] of Object.entries<AnyActorLogic>(kinds)) {
    const expected = kind === "machine with a child" ? ["grandchild", kind] : [kind];

    it(`have their effects performed: an invoked ${kind}`, async () => {
      const { actor } = await spawn(createMachine({ invoke: { src: logic as never } }));
      expect(await froms(actor, expected.length)).to.deep.equal(expected);
    });

    it(`have their effects performed: a spawned ${kind}`, async () => {
      const parent = setup({
        types: { events: {} as FrameEvents<{ go: object; start: object }> },
      }).createMachine({
        on: {
          "frame.go": { actions: spawnChild(logic as never) },
          "frame.start": {
            actions: assign(({ spawn: begin }) => (begin as (given: AnyActorLogic) => object)(logic) && {}),
          },
        },
      });
      const { actor } = await spawn(parent);
      for (const type of ["go", "start"]) {
        actor.receive(JSON.stringify({ type }));
        expect(await froms(actor, expected.length), type).to.deep.equal(expected);
      }
    });
  }

  it("have their effects performed: a transition function, which emits when it gets an event", async () => {
    const logic = fromTransition((_: undefined, __: { type: "go" }, { emit: tell }) => {
      tell(say("transition"));
      return undefined;
    }, undefined);
    const parent = setup({
      types: { events: {} as FrameEvents<{ go: object }> },
      actors: { logic },
    }).createMachine({
      invoke: { id: "logic", src: "logic" },
      on: { "frame.go": { actions: sendTo("logic", { type: "go" }) } },
    });
    const { actor } = await spawn(parent);
    actor.receive('{"type":"go"}');
    expect(await next(actor)).to.deep.equal({ from: "transition" });
  });

  it("hold up the next event until their effects are done", async () => {
    const joining = gate();
    const joiner = fromCallback<AnyEventObject, undefined, Effect>(({ emit: tell }) => {
      tell({ type: "join", group: "notes" });
    });
    const parent = setup({
      types: { events: {} as FrameEvents<{ go: object; ping: object }>, emitted: {} as Effect },
    }).createMachine({
      on: {
        "frame.go": { actions: spawnChild(joiner) },
        "frame.ping": { actions: emit(say("parent")) },
      },
    });
    const { actor, runtime } = await spawn(parent);
    const { chat: layer } = runtime.layers;
    const groupAdd = layer.groupAdd.bind(layer);
    layer.groupAdd = async (group, channel) => {
      await joining.opened;
      await groupAdd(group, channel);
    };
    actor.receive('{"type":"go"}');
    actor.receive('{"type":"ping"}');
    const pong = next(actor);
    let isAnswered = false;
    void pong.then(() => {
      isAnswered = true;
    });
    await nextTurn();
    expect(isAnswered).to.equal(false);
    joining.open();
    expect(await pong).to.deep.equal({ from: "parent" });
  });

  it("fail the connection with an unknown effect, or one that cannot be performed", async () => {
    for (const [effect, message] of [
      [{ type: "explode" }, /^A machine and its actors can emit send, .* not explode\.$/],
      [{ type: "send", frame: { at: Number.NaN } }, /^JSON cannot hold NaN \(at \.at\)/],
      [{ type: "join", group: "no such name!" }, /name/],
    ] as const) {
      const child = fromCallback<AnyEventObject, undefined, Effect>(({ emit: tell }) =>
        tell(effect as never),
      );
      const parent = setup({ types: { events: {} as FrameEvents<{ go: object }> } }).createMachine({
        on: { "frame.go": { actions: spawnChild(child) } },
      });
      const { actor, failures } = await spawn(parent);
      actor.receive('{"type":"go"}');
      expect(await actor.done).to.deep.equal({ code: 1011, reason: "Internal error", by: "runtime" });
      expect(failures.map(({ stage }) => stage)).to.deep.equal([`emit ${effect.type}`]);
      expect(failures[0]?.error).to.have.property("message").that.matches(message);
    }
  });

  it("perform the effects of a clean-up, but not those of an actor that was stopped before", async () => {
    let tell: (effect: Effect) => void = () => {};
    const child = fromCallback<AnyEventObject, undefined, Effect>(({ emit: emitted }) => {
      tell = emitted;
      return () => emitted(say("clean-up"));
    });
    const parent = setup({
      types: { events: {} as FrameEvents<{ stop: object }>, emitted: {} as Effect },
      actors: { child },
    }).createMachine({
      initial: "working",
      states: {
        working: { invoke: { src: "child" }, on: { "frame.stop": "idle" } },
        idle: { entry: emit(say("parent")) },
      },
    });
    const { actor, runtime } = await spawn(parent);
    actor.receive('{"type":"stop"}');
    expect(await froms(actor, 2)).to.deep.equal(["clean-up", "parent"]);
    tell(say("late"));
    actor.receive('{"type":"nonsense"}');
    expect(await next(actor)).to.include({ code: "greenroom.unexpected" });
    expect(runtime.counters().refusedFrames).to.include({ "greenroom.unexpected": 1 });
  });

  it("belong to one connection only", async () => {
    const { runtime } = await serve({ layers: chat() });
    const Consumer = machineConsumer(createMachine({ invoke: { src: kinds.callback } }), { layer: "chat" });
    const actors = [await runtime.spawn(Consumer), await runtime.spawn(Consumer)];
    for (const actor of actors) {
      expect(await next(actor)).to.deep.equal({ from: "callback" });
      await actor.stop();
      expect(await actor.outgoing.next()).to.deep.equal({ done: true, value: undefined });
    }
  });
});
