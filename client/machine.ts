import { steps } from "./states.ts";

/**
 * The states of a client, as the configuration of an XState machine: `createMachine(clientStates)` accepts it, and
 * `greenroom visualise` can draw it. The client itself runs without XState.
 */
export const clientStates = {
  id: "client",
  initial: "connecting",
  states: {
    connecting: { on: steps.connecting },
    joined: { on: steps.joined },
    away: { on: steps.away },
    closing: { on: steps.closing },
    closed: { type: "final" },
  },
} as const;
