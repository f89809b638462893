import type { NamedMessageEvents } from "greenroom";
import { assign, fromPromise, setup } from "xstate";

interface LotMessages {
  bid: { readonly amount: number };
  appraise: object;
}

/** A negative bid fails its step. The appraisal fails always, and parks the lot. */
export const lotMachine = setup({
  types: { context: {} as { amount: number }, events: {} as NamedMessageEvents<LotMessages> },
  actors: { appraisal: fromPromise(() => Promise.reject(new Error("The expert is ill."))) },
}).createMachine({
  context: { amount: 0 },
  initial: "open",
  states: {
    open: {
      after: { 60000: "closed" },
      on: {
        "message.bid": {
          actions: assign({
            amount({ event }) {
              if (event.message.amount < 0) throw new Error(`No bid is ${event.message.amount}.`);
              return event.message.amount;
            },
          }),
        },
        "message.appraise": "appraised",
      },
    },
    closed: { type: "final" },
    appraised: { invoke: { src: "appraisal" } },
  },
});
