import { assign, emit, setup } from "xstate";
import type { NamedDelivery, NamedEffect, NamedMessageEvents } from "../../../actors/index.ts";

export interface AccountMessages {
  /** Answers with the new balance. */
  add: { by: number };
  /** Answers with the balance. */
  get: object;
  /** Refuses. */
  deny: object;
  /** Is answered by `settle`. */
  wait: object;
  /** Answers all that wait. */
  settle: { value: string };
  /** Fails. */
  fail: object;
  /** Adds 100 after a pause. */
  later: { ms: number };
  /** Ends the account. */
  end: object;
}

type Event = NamedMessageEvents<AccountMessages>;

/** The parts of a step that specs count. */
export const seen = { actions: [] as string[], failures: 0 };

/** A machine with a balance. */
export const account = setup({
  types: {
    context: {} as { balance: number; asks: readonly string[]; ms: number },
    input: {} as { balance?: number } | undefined,
    events: {} as Event,
    emitted: {} as NamedEffect,
    output: {} as { balance: number },
  },
  actions: {
    note: ({ context }) => seen.actions.push(`balance ${context.balance}`),
    fail: assign(() => {
      seen.failures += 1;
      throw new Error("The step fails.");
    }),
  },
  delays: { pause: ({ context }) => context.ms },
}).createMachine({
  id: "account",
  context: ({ input }) => ({ balance: input?.balance ?? 0, asks: [], ms: 0 }),
  initial: "open",
  on: {
    "message.get": { actions: emit(({ context }) => ({ type: "reply", value: context.balance })) },
    "message.deny": {
      actions: emit({ type: "refuse", code: "denied", message: "No.", data: { why: "so" } }),
    },
    "message.fail": { actions: "fail" },
  },
  states: {
    open: {
      on: {
        "message.add": {
          actions: [
            assign(({ context, event }) => ({ balance: context.balance + event.message.by })),
            emit(({ context }) => ({ type: "reply", value: context.balance })),
            "note",
          ],
        },
        "message.wait": {
          actions: assign(({ context, event }) => ({
            asks: [...context.asks, (event.delivery as NamedDelivery).ask ?? "none"],
          })),
        },
        "message.settle": {
          actions: [
            emit(({ context, event }) => ({
              type: "reply",
              value: event.message.value,
              to: context.asks[0],
            })),
            assign(({ context }) => ({ asks: context.asks.slice(1) })),
          ],
        },
        "message.later": {
          target: "pausing",
          actions: assign(({ event }) => ({ ms: event.message.ms })),
        },
        "message.end": "ended",
      },
    },
    pausing: {
      after: {
        pause: { target: "open", actions: assign(({ context }) => ({ balance: context.balance + 100 })) },
      },
    },
    ended: { type: "final" },
  },
  output: ({ context }) => ({ balance: context.balance }),
});
