import {
  type AnyStateMachine,
  assign,
  cancel,
  emit,
  enqueueActions,
  forwardTo,
  fromTransition,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stateIn,
  stopChild,
} from "xstate";

/** The calls of custom actions, in order. */
export const told: string[] = [];
const tell = (text: string) => () => void told.push(text);

interface Counted {
  readonly n: number;
}
interface Args {
  readonly context: Counted;
  readonly event: {
    readonly type: string;
    readonly output: Counted;
    readonly snapshot: { readonly context: Counted };
  };
}
/** The machines share actions, which the types of XState do not allow. */
const define = (implementations: object, config: object): AnyStateMachine =>
  (setup as unknown as (given: object) => { createMachine(config: object): AnyStateMachine })(
    implementations,
  ).createMachine(config);
const count = assign(({ context }: Args) => ({ n: context.n + 1 }));
const fail = (): never => {
  throw new Error("boom");
};
/** Changes the context, and throws. */
const boom = { actions: [count, emit({ type: "lost" }), tell("lost"), assign(fail)] };

const light = define(
  {
    actions: { count },
    delays: { short: 20 },
    guards: { isOdd: ({ context }: Args) => context.n % 2 === 1 },
  },
  {
    id: "light",
    context: { n: 0 },
    initial: "off",
    entry: tell("light"),
    on: {
      a: { actions: "count" },
      b: { target: ".past" },
      c: { target: "#light.on.deep" },
      d: {
        actions: [
          cancel("raised"),
          raise({ type: "raised" }, { delay: 30, id: "raised" }),
          emit({ type: "armed" }),
        ],
      },
      e: { actions: cancel("raised") },
      f: { actions: raise({ type: "a" }, { delay: ({ context }: Args) => 10 * (context.n % 4) }) },
      raised: {
        actions: [emit(({ context }: Args) => ({ type: "raised", n: context.n })), raise({ type: "a" })],
      },
      boom,
    },
    states: {
      off: {
        exit: emit({ type: "left" }),
        on: { g: "on" },
        after: { short: { guard: "isOdd", target: "on" } },
      },
      on: {
        initial: "one",
        entry: [tell("on"), "count"],
        after: { 50: "off" },
        on: { g: "off", h: { target: "on", reenter: true } },
        states: {
          one: { after: { 10: "two" }, on: { g: "two" } },
          deep: { type: "history", history: "deep", target: "two" },
          two: {
            initial: "x",
            states: { x: { on: { a: "y" } }, y: { always: { guard: "isOdd", target: "x" }, on: { h: "x" } } },
          },
        },
      },
      past: { type: "history", target: "on" },
    },
  },
);

const regions = define(
  {},
  {
    id: "regions",
    type: "parallel",
    context: { n: 0 },
    on: { boom },
    states: {
      left: {
        initial: "a",
        states: {
          a: { on: { a: "b" }, after: { 20: { target: "b", actions: emit({ type: "late" }) } } },
          b: { on: { b: "a", c: "end" }, exit: [count, tell("exit b")] },
          end: { type: "final" },
        },
        onDone: { actions: emit({ type: "left done" }) },
      },
      right: {
        initial: "idle",
        states: {
          idle: { on: { d: { guard: stateIn({ left: "b" }), target: "busy" } } },
          busy: {
            always: { guard: ({ context }: Args) => context.n > 3, target: "end" },
            after: { 30: { target: "busy", reenter: true, actions: count } },
            on: {
              e: {
                actions: enqueueActions(({ enqueue, check }) => {
                  enqueue.assign({ n: ({ context }: Args) => context.n + 1 });
                  if (check(({ context }) => context.n % 2 === 0)) enqueue.raise({ type: "b" });
                  enqueue(tell("enqueued"));
                  enqueue.emit({ type: "enqueued" });
                }),
              },
            },
          },
          end: { type: "final" },
        },
      },
    },
    output: ({ context }: Args) => ({ n: context.n }),
  },
);

const child = define(
  {},
  {
    id: "child",
    context: ({ input }: { input: Counted }) => ({ n: input.n }),
    initial: "on",
    entry: tell("child"),
    exit: tell("child exit"),
    on: { a: { actions: [count, emit(({ context }: Args) => ({ type: "child", n: context.n }))] } },
    states: {
      on: {
        after: { 30: { actions: sendParent({ type: "ping" }) } },
        on: {
          b: { actions: [sendParent({ type: "ping" }, { delay: 20 }), tell("child b")] },
          c: "end",
          g: "thrown",
        },
      },
      thrown: { entry: assign(fail) },
      end: { type: "final" },
    },
    output: ({ context }: Args) => ({ n: context.n }),
  },
);

const adder = fromTransition(
  (state: Counted, event: { type: string }) => {
    return event.type === "a" ? { n: state.n + 1 } : state;
  },
  { n: 0 },
);

const parent = define(
  {
    actors: { adder, child, regions },
  },
  {
    id: "parent",
    context: { n: 0 },
    initial: "idle",
    entry: spawnChild("adder", { id: "adder", systemId: "sum", syncSnapshot: true }),
    on: {
      ping: { actions: [count, sendTo("adder", { type: "a" }), tell("ping")] },
      "xstate.snapshot.adder": {
        actions: emit(({ event }: Args) => ({ type: "sum", n: event.snapshot.context.n })),
      },
      "xstate.done.actor.regions": {
        actions: emit(({ event }: Args) => ({ type: "regions", output: event.output })),
      },
      d: { actions: [stopChild("regions"), spawnChild("regions", { id: "regions", systemId: "regions" })] },
      e: { actions: stopChild("regions") },
      f: { actions: sendTo(({ system }) => system.get("sum"), { type: "a" }, { delay: 20, id: "f" }) },
      boom: {
        actions: [stopChild("adder"), spawnChild("regions", { id: "new", systemId: "sum" }), ...boom.actions],
      },
    },
    states: {
      idle: { on: { g: "busy" }, after: { 60: "busy" } },
      busy: {
        invoke: {
          src: "child",
          id: "child",
          systemId: "kid",
          input: ({ context }: Args) => context,
          onDone: {
            target: "idle",
            actions: [assign({ n: ({ event }: Args) => event.output.n }), emit({ type: "done" })],
          },
          onError: { target: "idle", actions: emit({ type: "failed" }) },
          onSnapshot: { actions: emit(({ event }: Args) => ({ type: "seen", n: event.snapshot.context.n })) },
        },
        exit: sendTo("child", { type: "a" }),
        on: {
          a: { actions: forwardTo("child") },
          b: { actions: [sendTo("child", { type: "b" }), forwardTo("child")] },
          c: { actions: [cancel("c"), sendTo("child", { type: "c" }, { delay: 10, id: "c" })] },
          h: [
            { guard: ({ context }: Args) => context.n > 2, target: "idle" },
            { target: "busy", reenter: true },
          ],
          e: { actions: [cancel("c"), sendTo(({ self }) => self, { type: "ping" })] },
          g: { actions: sendTo("child", { type: "g" }) },
        },
      },
    },
  },
);

/**
 * The machines cancel a delay before they use its id again, because XState's `cancel` forgets the older one.
 * Machines for events named `a` to `h`. Each takes the event `boom`, which fails, in every state.
 */
export const machines: Readonly<Record<string, AnyStateMachine>> = { light, regions, parent };
