import { type AnyActorRef, type AnyStateNode, assign, setup } from "xstate";
import { CloseCode, type Exit } from "./close-codes.ts";

/** The side effects of the connection machine. The runtime's `ConsumerActor` implements this interface. */
export interface ConnectionEffects {
  /** Called once, when the connection ends. Releases all resources, then sends `cleaned` to the machine. */
  cleanUp(exit: Exit): void;
}

/** The events of {@link connectionMachine}. The runtime sends them. */
export type ConnectionEvent =
  | { readonly type: "accept" }
  | {
      readonly type: "reject";
      readonly status: number;
      readonly reason: string;
      readonly by: "consumer" | "runtime";
    }
  /** The consumer or the runtime ends the connection. While `connecting`, the event refuses the upgrade. */
  | {
      readonly type: "close";
      readonly code: number;
      readonly reason: string;
      readonly by: "consumer" | "runtime";
    }
  /** The client closed the connection, or the socket broke. */
  | { readonly type: "lost"; readonly code: number; readonly reason: string }
  /** The consumer failed, and is not restarted. */
  | { readonly type: "fail" }
  /** A new consumer has replaced a failed one. */
  | { readonly type: "restart" }
  /** The session has lost its socket, and waits for the client to come back. */
  | { readonly type: "away"; readonly code: number; readonly reason: string }
  /** The client has resumed its session with a new socket. */
  | { readonly type: "online" }
  /** Connecting took too long. */
  | { readonly type: "deadline" }
  | { readonly type: "cleaned" };

export interface ConnectionInput {
  readonly effects: ConnectionEffects;
}

export interface ConnectionContext {
  readonly exit: Exit;
}

/** The placeholder for the exit of a connection that has not ended. */
export const open: Exit = Object.freeze({ code: CloseCode.abnormal, reason: "", by: "runtime" } as const);

/** The reason of an upgrade that is refused because connecting took too long. */
export const connectingTooLong = "Connecting took too long";

/** The exit for an `event` that ends a connection. `joined` tells whether the connection was accepted. */
export function exitOf(event: ConnectionEvent, joined: boolean): Exit {
  const refuse = (status: number, reason: string, by: Exit["by"]): Exit => ({ ...open, status, reason, by });
  switch (event.type) {
    case "reject":
      return refuse(event.status, event.reason, event.by);
    case "deadline":
      return refuse(503, connectingTooLong, "runtime");
    case "fail":
      return joined
        ? { code: CloseCode.failure, reason: "Internal error", by: "runtime" }
        : refuse(500, "Internal error", "runtime");
    case "close":
      return joined
        ? { code: event.code, reason: event.reason, by: event.by }
        : refuse(503, event.reason, event.by);
    case "lost":
      return { code: event.code, reason: event.reason, by: "client" };
    default:
      return open;
  }
}

/** The effects in the input of `self`. Snapshots do not contain them, so connections can share a snapshot. */
export function effectsOf(self: AnyActorRef): ConnectionEffects {
  return (self as unknown as { readonly options: { readonly input: ConnectionInput } }).options.input.effects;
}

const refuse = { target: "closing", actions: { type: "recordExit", params: { joined: false } } } as const;
const leave = { target: "closing", actions: { type: "recordExit", params: { joined: true } } } as const;

/**
 * The lifecycle of a connection. Frames and messages do not pass through this machine. Deadlines arrive as
 * events, because delayed transitions would make XState scan all its timers when an actor stops. Only a
 * connection with a session is ever `away`.
 *
 * ```
 * connecting ──accept──▶ joined { online ⇄ away } ──close, lost, fail──▶ closing ──cleaned──▶ closed
 *      └──reject, close, lost, fail, deadline──────────────────────────────▲
 * ```
 */
export const connectionMachine = setup({
  types: {
    context: {} as ConnectionContext,
    events: {} as ConnectionEvent,
    input: {} as ConnectionInput,
    output: {} as Exit,
  },
  actions: {
    recordExit: assign(({ event }, { joined }: { readonly joined: boolean }) => ({
      exit: exitOf(event, joined),
    })),
    cleanUp: ({ context, self }) => effectsOf(self).cleanUp(context.exit),
  },
}).createMachine({
  id: "connection",
  context: { exit: open },
  initial: "connecting",
  states: {
    connecting: {
      on: { accept: "joined", reject: refuse, close: refuse, lost: refuse, fail: refuse, deadline: refuse },
    },
    // `restart` changes no state. It is listed so that diagrams and inspectors show restarts.
    joined: {
      initial: "online",
      states: { online: { on: { away: "away" } }, away: { on: { online: "online" } } },
      on: { close: leave, lost: leave, fail: leave, restart: {} },
    },
    closing: { entry: "cleanUp", on: { cleaned: "closed" } },
    closed: { type: "final" },
  },
  output: ({ context }) => context.exit,
});

type System = AnyActorRef["system"];

/** The number of inspectors of each XState system that was passed to `trackInspection`. */
const inspectors = new WeakMap<System, number>();

/** Whether `system` has an inspector. Also true if `system` was not passed to `trackInspection`. */
export const isInspected = (system: System): boolean => inspectors.get(system) !== 0;

/**
 * Counts the inspectors of `system` from now on. While there are no inspectors, nothing is computed for
 * inspection. If `isInspected` is true, `system` already has an inspector. This inspector is never removed.
 */
export function trackInspection(system: System, isInspected = false): void {
  const { inspect } = system;
  inspectors.set(system, isInspected ? 1 : 0);
  system.inspect = (observer) => {
    const subscription = inspect(observer);
    let isInspecting = true;
    inspectors.set(system, (inspectors.get(system) ?? 0) + 1);
    return {
      unsubscribe() {
        subscription.unsubscribe();
        if (isInspecting) inspectors.set(system, (inspectors.get(system) ?? 1) - 1);
        isInspecting = false;
      },
    };
  };
}

type Logic = typeof connectionMachine;
type Snapshot = ReturnType<Logic["transition"]>;

/** The name of a state without its substates. */
export type ConnectionState = "connecting" | "joined" | "closing" | "closed";

/** The state of a connection's snapshot, without its substates. */
export const connectionState = ({ value }: Pick<Snapshot, "value">): ConnectionState =>
  typeof value === "string" ? value : "joined";

/** The name of the innermost active state. These names are unique. */
const leafOf = ({ value }: Snapshot): string => (typeof value === "string" ? value : value.joined);

interface StateEntry {
  readonly snapshot: Snapshot;
  /** The innermost target state of each event. */
  readonly targets: ReadonlyMap<string, string>;
}

const entries = new Map<string, StateEntry>();

/** Adds an entry for each innermost state below `node`. `inherited` are the targets of its parents. */
function addEntries(node: AnyStateNode, inherited: ReadonlyMap<string, string> = new Map()): void {
  const own = Object.entries(node.on).flatMap(([type, [first]]) =>
    (first?.target ?? []).map((target: AnyStateNode) => [type, initialLeaf(target).key] as const),
  );
  const targets = new Map([...inherited, ...own]);
  const children = Object.values(node.states);
  for (const child of children) addEntries(child, targets);
  if (children.length > 0) return;
  const value = node.path.length === 1 ? node.key : { [node.path[0] as string]: node.key };
  const snapshot = connectionMachine.resolveState({
    value: value as Snapshot["value"],
    context: { exit: open },
  });
  entries.set(node.key, { snapshot, targets });
}

const initialLeaf = (node: AnyStateNode): AnyStateNode => {
  const [child] = node.initial.target ?? [];
  return child === undefined ? node : initialLeaf(child);
};

addEntries(connectionMachine.root);

const entryOf = (leaf: string): StateEntry => entries.get(leaf) as StateEntry;

const shortcuts: Pick<Logic, "getInitialSnapshot" | "transition"> = {
  getInitialSnapshot(scope, input) {
    if (isInspected(scope.system)) return connectionMachine.getInitialSnapshot(scope, input);
    return entryOf("connecting").snapshot;
  },

  transition(snapshot, event, scope) {
    const { context } = snapshot;
    const target = entryOf(leafOf(snapshot)).targets.get(event.type);
    if (target === undefined || isInspected(scope.system)) {
      return connectionMachine.transition(snapshot, event, scope);
    }
    const next = entryOf(target).snapshot;
    if (target === "closed") return { ...next, context, output: context.exit } as Snapshot;
    if (target !== "closing") return next;
    const exit = exitOf(event as ConnectionEvent, connectionState(snapshot) === "joined");
    effectsOf(scope.self).cleanUp(exit);
    return { ...next, context: { exit } } as Snapshot;
  },
};

/**
 * Behaves like {@link connectionMachine} and has the same snapshots. From start to `closed`, an actor takes
 * about a third of the time. The target states come from a table that is derived from the machine. While the
 * system has an inspector, XState runs the machine itself, so that the inspector receives every microstep and
 * action.
 */
export const connectionLogic = Object.assign(Object.create(connectionMachine) as Logic, shortcuts);
