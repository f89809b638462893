import { assign, emit, raise, setup } from "xstate";
import type { NamedEffect, NamedMessageEvents } from "../../../actors/index.ts";

export interface Messages {
  /** Adds an entry to the log of the actor, and answers with the length of the log. */
  add: { id: string };
  /** Adds an entry after a pause. */
  later: { id: string; ms: number };
  /** The entry of another actor. */
  told: { entry: string };
  /** Ends the process that handles it. */
  poison: { id: string };
}

/** The key of the actor to which the others send their entries. */
export const sink = "sink";

const entryOf = (key: string, log: readonly string[], id: string) => `${key} ${log.length + 1} ${id}`;

/** @param onPoison ends the process. @param onEntry a custom action: it runs after the commit. */
export function createLog(onPoison: (id: string) => void, onEntry: (key: string, id: string) => void) {
  return setup({
    types: {
      context: {} as { key: string; log: readonly string[]; told: readonly string[] },
      input: {} as string,
      events: {} as NamedMessageEvents<Messages> | { type: "fired"; id: string },
      emitted: {} as NamedEffect,
    },
    actions: {
      note: ({ context }, { id }: { id: string }) => onEntry(context.key, id),
    },
  }).createMachine({
    id: "log",
    context: ({ input }) => ({ key: input, log: [], told: [] }),
    on: {
      "message.add": {
        actions: [
          emit(({ context: { key, log }, event }) => ({
            type: "tell",
            kind: "log",
            key: sink,
            message: { type: "told", entry: entryOf(key, log, event.message.id) },
          })),
          assign(({ context, event }) => ({ log: [...context.log, event.message.id] })),
          emit(({ context }) => ({ type: "reply", value: context.log.length })),
          { type: "note", params: ({ event }) => ({ id: event.message.id }) },
        ],
      },
      "message.later": {
        actions: raise(({ event }) => ({ type: "fired", id: event.message.id }) as const, {
          delay: ({ event }) => event.message.ms,
        }),
      },
      fired: {
        actions: [
          emit(({ context: { key, log }, event }) => ({
            type: "tell",
            kind: "log",
            key: sink,
            message: { type: "told", entry: entryOf(key, log, event.id) },
          })),
          assign(({ context, event }) => ({ log: [...context.log, event.id] })),
        ],
      },
      "message.told": {
        actions: assign(({ context, event }) => ({ told: [...context.told, event.message.entry] })),
      },
      "message.poison": {
        actions: assign(({ event }) => {
          onPoison(event.message.id);
          return {};
        }),
      },
    },
  });
}
