import { assign, emit, setup } from "xstate";
import type { NamedEffect, NamedMessageEvents } from "../../actors/named-actor.ts";
import { textBytes } from "./rows.ts";

export type CounterMessages = {
  /** Counts, and answers with the new count. */
  add: { readonly text: string };
  /** Answers with the count. */
  count: Record<never, never>;
  /** Answers with the id of the process that runs the actor. */
  where: Record<never, never>;
};

/** A counter, whose context has a text of {@link textBytes}. @param afterMs the delay of its timer, if it has one */
export function counterMachine(afterMs?: number) {
  return setup({
    types: {
      context: {} as { readonly count: number; readonly text: string },
      events: {} as NamedMessageEvents<CounterMessages>,
      emitted: {} as NamedEffect<number>,
    },
  }).createMachine({
    id: "counter",
    context: { count: 0, text: "x".repeat(textBytes) },
    initial: "counting",
    states: {
      counting: {
        ...(afterMs !== undefined && { after: { [afterMs]: "late" } }),
        on: {
          "message.add": {
            actions: [
              assign({ count: ({ context }) => context.count + 1 }),
              emit(({ context }) => ({ type: "reply", value: context.count })),
            ],
          },
          "message.count": { actions: emit(({ context }) => ({ type: "reply", value: context.count })) },
          "message.where": { actions: emit(() => ({ type: "reply", value: process.pid })) },
        },
      },
      late: {},
    },
  });
}
