import { type AnyActorRef, assign, setup } from "xstate";
import { CloseCode, type Exit } from "./close-codes.ts";

/** What the machine has done when it enters a state. The runtime's connection implements it. */
export interface ConnectionEffects {
  /** Called once, on every way out: leaves groups, runs `disconnect`, frees everything, then sends `cleaned`. */
  cleanUp(exit: Exit): void;
}

export type ConnectionEvent =
  | { readonly type: "accept" }
  | { readonly type: "reject"; readonly status: number; readonly reason: string }
  /** The consumer or the runtime closes. In `connecting` this refuses the upgrade. */
  | {
      readonly type: "close";
      readonly code: number;
      readonly reason: string;
      readonly by: "consumer" | "runtime";
    }
  /** The other side closed, or its socket broke. */
  | { readonly type: "lost"; readonly code: number; readonly reason: string }
  /** The consumer failed, and nothing is to be saved. */
  | { readonly type: "fail" }
  /** A fresh consumer has taken over from one that failed. */
  | { readonly type: "restart" }
  /** Connecting took too long. */
  | { readonly type: "deadline" }
  /** The clean-up that `closing` began is done. */
  | { readonly type: "cleaned" };

export interface ConnectionInput {
  readonly effects: ConnectionEffects;
}

export interface ConnectionContext {
  readonly exit: Exit;
}

/** Of a connection that has not ended. */
export const open: Exit = Object.freeze({ code: CloseCode.abnormal, reason: "", by: "runtime" } as const);

/** How `event` ends a connection that had joined, or had not. */
export function exitOf(event: ConnectionEvent, joined: boolean): Exit {
  const refuse = (status: number, reason: string, by: Exit["by"]): Exit => ({ ...open, status, reason, by });
  switch (event.type) {
    case "reject":
      return refuse(event.status, event.reason, "consumer");
    case "deadline":
      return refuse(503, "Connecting took too long", "runtime");
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

/** They are where the actor keeps its input, and not in its context, so that all that have joined share one snapshot. */
export function effectsOf(self: AnyActorRef): ConnectionEffects {
  return (self as unknown as { readonly options: { readonly input: ConnectionInput } }).options.input.effects;
}

const refuse = { target: "closing", actions: { type: "recordExit", params: { joined: false } } } as const;
const leave = { target: "closing", actions: { type: "recordExit", params: { joined: true } } } as const;

/**
 * The life of a connection. It is the control plane only: while it is in `joined` the mailbox is open, and frames and
 * messages run from there straight to the consumer. It has no delayed transitions, because stopping an XState actor
 * scans every timer of its system; deadlines reach it as events.
 *
 * ```
 * connecting ──accept──▶ joined ──close, lost, fail──▶ closing ──cleaned──▶ closed
 *      └──reject, close, lost, fail, deadline─────────────▲
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
    // A restart changes nothing here, but whoever looks at the machine shall see it.
    joined: { on: { close: leave, lost: leave, fail: leave, restart: {} } },
    closing: { entry: "cleanUp", on: { cleaned: "closed" } },
    closed: { type: "final" },
  },
  output: ({ context }) => context.exit,
});
