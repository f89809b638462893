import { connectionMachine } from "greenroom";
import {
  type AnyStateMachine,
  type AnyStateNode,
  and,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  fromCallback,
  fromPromise,
  log,
  not,
  or,
  raise,
  sendTo,
  setup,
  spawnChild,
  stateIn,
  stopChild,
} from "xstate";

const nested = createMachine({
  id: "nested",
  initial: "outer",
  description: "A machine within a machine",
  states: {
    outer: {
      initial: "middle",
      description: "holds all",
      on: { inward: ".middle.inner", again: { target: "outer", reenter: true }, stay: { actions: "note" } },
      onDone: "after_all",
      states: {
        middle: {
          initial: "inner",
          entry: "greet",
          exit: ["wave", "leave"],
          states: { inner: { on: { up: "#nested.outer", next: "last" } }, last: { type: "final" } },
          onDone: { target: "finished", actions: "cheer" },
        },
        finished: { type: "final", output: { well: "done" } },
      },
    },
    after_all: { type: "final", entry: "rest" },
  },
});

const regions = createMachine({
  id: "regions",
  type: "parallel",
  entry: "begin",
  on: { reset: [{ target: [".left.one", ".right.three"], guard: "may" }, { actions: "refuse" }] },
  onDone: { actions: "celebrate" },
  states: {
    left: {
      initial: "one",
      states: { one: { on: { go: "two" } }, two: { type: "final" } },
    },
    right: {
      initial: "three",
      states: { three: { on: { go: "four" } }, four: { type: "final" } },
    },
  },
});

const forked = createMachine({
  id: "forked",
  initial: "waiting",
  states: {
    waiting: {
      on: { start: { target: ["work.left.busy", "work.right.busy"], actions: "announce" }, enter: "work" },
    },
    work: {
      type: "parallel",
      on: { stop: "waiting" },
      states: {
        left: { initial: "idle", states: { idle: {}, busy: {} } },
        right: { initial: "idle", states: { idle: {}, busy: { on: { swap: "#forked.waiting" } } } },
        watch: {},
      },
    },
  },
});

const remembered = createMachine({
  id: "remembered",
  initial: "on",
  states: {
    on: {
      initial: "low",
      states: {
        low: { on: { more: "high" } },
        high: { initial: "warm", states: { warm: { on: { more: "hot" } }, hot: {} } },
        before: { type: "history" },
        deepBefore: { type: "history", history: "deep", target: "high.hot" },
      },
      on: { off: "off" },
    },
    off: { on: { back: "on.before", deepBack: "on.deepBefore", fresh: "on" } },
  },
});

const guarded = setup({
  guards: { isOpen: () => true, isFull: () => false, isAbove: (_, _params: { level: number }) => true },
}).createMachine({
  id: "guarded",
  initial: "a",
  states: {
    a: {
      on: {
        named: { target: "b", guard: "isOpen" },
        given: { target: "b", guard: { type: "isAbove", params: { level: 3 } } },
        both: { target: "b", guard: and(["isOpen", not("isFull")]) },
        either: {
          target: "b",
          guard: or([and(["isOpen", "isFull"]), { type: "isAbove", params: { level: 1 } }]),
        },
        elsewhere: { target: "b", guard: stateIn({ a: "x" }) },
        inState: { target: "b", guard: stateIn("#guarded.a") },
        anonymous: { target: "b", guard: () => true },
        chosen: [{ target: "b", guard: "isOpen" }, { target: "c", guard: "isFull" }, "d"],
      },
    },
    b: {},
    c: {},
    d: {},
  },
});

function ring() {}

const acting = createMachine({
  id: "acting",
  context: { count: 0, word: "" },
  initial: "a",
  entry: ["named", { type: "given", params: { level: 3, to: ["x"] } }, ring, () => {}],
  states: {
    a: {
      entry: [
        assign({ count: 1, word: () => "x" }),
        assign(() => ({ count: 2 })),
        raise({ type: "tick" }),
        raise({ type: "tock" }, { delay: 500, id: "later" }),
        raise(() => ({ type: "made" })),
      ],
      exit: [
        sendTo("door", { type: "push" }),
        sendTo(({ self }) => self, { type: "me" }, { delay: 250 }),
        cancel("later"),
        emit({ type: "rang" }),
      ],
      on: {
        child: { actions: [spawnChild("worker", { id: "w" }), stopChild("w")] },
        more: { target: "b", actions: [log("hello"), enqueueActions(() => {})] },
      },
    },
    b: {},
  },
});

const delayed = createMachine(
  {
    id: "delayed",
    initial: "red",
    states: {
      red: { after: { 1000: "green", patience: [{ target: "off", guard: "isLate" }, { actions: "blink" }] } },
      green: {
        entry: "go",
        after: { 30000: { target: "red", actions: "warn" } },
        always: { target: "off", guard: "isNight" },
      },
      off: { always: [{ target: "red", guard: "isDay" }, { actions: "sleep" }] },
    },
  },
  { delays: { patience: 2_000 } },
);

const invoking = createMachine({
  id: "invoking",
  initial: "loading",
  states: {
    loading: {
      invoke: [
        { src: "loadUser", id: "user", onDone: { target: "ready", actions: "store" }, onError: "failed" },
        { src: fromPromise(async function loadPage() {}), onDone: "ready", onSnapshot: { actions: "show" } },
        { src: fromCallback(() => {}), id: "clock" },
        { src: createMachine({ id: "inside" }), onError: "failed" },
      ],
    },
    ready: { type: "final" },
    failed: {},
  },
});

const wild = createMachine({
  id: "wild",
  initial: "idle",
  states: {
    idle: {
      on: {
        "*": "other",
        "mouse.*": "mouse",
        "mouse.down.left": { target: "mouse", description: "only the left one" },
        self: { target: "idle", reenter: true },
        soft: "idle",
        forbidden: {},
      },
    },
    mouse: { tags: ["pointer", "busy"], description: "Something moves" },
    other: { tags: "busy", meta: { page: 3 } },
  },
});

const named = createMachine({
  id: "named",
  initial: "first",
  on: { "go.home": "#home\\.sweet" },
  states: {
    first: {
      id: "home.sweet",
      initial: { target: "same", actions: "unpack" } as never,
      states: { same: {}, "dotted.key": {} },
    },
    second: {
      id: "away",
      route: {},
      initial: "same",
      states: { same: { on: { back: "#home\\.sweet", on: "#away" } } },
    },
    same: { on: { there: "#away" } },
  },
});

/** Names that are special in one of the output languages. */
export const hostileNames = [
  'a "quoted" name',
  "<script>document.body.innerHTML = 'taken'</script>",
  "<img src=x onerror=alert(1)>",
  "two\nlines",
  "a: colon; and semicolon",
  "a --> b",
  "%% comment",
  "%%{init: {}}%%",
  "end",
  "end note",
  "state",
  "root",
  "constructor",
  "[*]",
  "[[fork]] <<choice>>",
  "direction LR",
  "style x fill:#fff;",
  "#quot; &amp; &#60;",
  "back\\slash \\n \\",
  "{ curly } [square]",
  "*bold* _it_ `code` ~x~ $$x$$",
  "</svg></style>]]>",
  "🚪 emoji é 中文",
  "long ".repeat(60).trim(),
  "x".repeat(300),
  "1",
  "ends_end",
  "-- ---",
  "1. first",
  "- item",
  "+ item",
  "http://example.org/x_y_",
];

const hostile = createMachine({
  id: 'hostile "id" <b> --> \\',
  initial: hostileNames[0] as string,
  states: Object.fromEntries(
    hostileNames.map((name, index) => [
      name,
      {
        id: `s${index}`,
        entry: name,
        description: name,
        tags: [name],
        on: { [name]: { target: `#s${(index + 1) % hostileNames.length}`, guard: name, actions: [name] } },
        ...(index === 8 ? { initial: name, exit: name, states: { [name]: {} } } : {}),
      },
    ]),
  ),
} as never);

const lone = createMachine({ id: "lone", on: { poke: { actions: "squeak" } } });

/** Together they use every feature of XState 5 machines. */
export const machines: Readonly<Record<string, AnyStateMachine>> = {
  connection: connectionMachine,
  nested,
  regions,
  forked,
  remembered,
  guarded,
  acting,
  delayed,
  invoking,
  wild,
  named,
  lone,
  hostile,
};

export const nodesOf = (node: AnyStateNode): AnyStateNode[] => [
  node,
  ...Object.values(node.states).flatMap(nodesOf),
];
