import { assign, enqueueActions, setup } from "xstate";
import type { NamedEffect, NamedMessageEvents } from "../../../actors/named-actor.ts";

export interface Notes {
  readonly texts: readonly string[];
}

export type NotesMessages = {
  note: { readonly text: string };
  fail: object;
  loop: object;
  die: object;
  later: { readonly ms: number };
};

/**
 * Keeps notes, and answers with all of them. `fail` throws, `loop` never ends, `die` ends the process, and `later` is a
 * note after a delay.
 */
export const notesMachine = setup({
  types: {
    context: {} as Notes,
    events: {} as NamedMessageEvents<NotesMessages>,
    emitted: {} as NamedEffect<readonly string[]>,
  },
  delays: { later: ({ event }) => Number(Object(Object(event).message).ms) },
}).createMachine({
  id: "notes",
  context: { texts: [] },
  initial: "open",
  states: {
    open: {},
    looping: { always: { actions: assign({ texts: ({ context }) => context.texts.slice() }) } },
    waiting: { after: { later: { target: "open", actions: assign({ texts: ["later"] }) } } },
  },
  on: {
    "message.note": {
      actions: [
        assign({ texts: ({ context, event }) => [...context.texts, event.message.text] }),
        enqueueActions(({ context, enqueue }) => {
          enqueue.emit({ type: "reply", value: context.texts });
        }),
      ],
    },
    "message.fail": {
      actions: assign(() => {
        throw new Error("the machine throws");
      }),
    },
    "message.loop": ".looping",
    "message.die": { actions: assign(() => process.kill(process.pid, "SIGKILL") && {}) },
    "message.later": ".waiting",
  },
});
