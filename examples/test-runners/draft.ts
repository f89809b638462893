import { type Effect, type FrameEvents, machineConsumer } from "greenroom";
import { assign, emit, fromPromise, setup } from "xstate";

export interface Database {
  save(text: string): Promise<void>;
}

const missing = fromPromise<void, string>(() => Promise.reject(new Error("The service is missing.")));

const draft = setup({
  types: {
    context: {} as { readonly text: string },
    events: {} as FrameEvents<{ write: { readonly text: string } }>,
    emitted: {} as Effect,
  },
  actors: { save: missing },
}).createMachine({
  id: "draft",
  context: { text: "" },
  initial: "saved",
  on: {
    "frame.write": { target: ".changed", actions: assign(({ event }) => ({ text: event.frame.text })) },
  },
  states: {
    saved: {},
    changed: { after: { 5000: "saving" } },
    saving: {
      invoke: {
        src: "save",
        input: ({ context }) => context.text,
        onDone: { target: "saved", actions: emit({ type: "send", frame: { is: "saved" } }) },
        onError: { target: "changed", actions: emit({ type: "send", frame: { is: "not saved" } }) },
      },
    },
  },
});

/** Saves a text when its writer has paused for five seconds. If that fails, tries again after five more. */
export const Draft = machineConsumer(draft, {
  provide: ({ db }: { readonly db: Database }) => ({
    actors: { save: fromPromise<void, string>(({ input }) => db.save(input)) },
  }),
});
