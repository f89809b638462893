/**
 * The states of a client, as the configuration of an XState machine: `createMachine(clientStates)` accepts it, and
 * `greenroom visualise` can draw it. {@link nextState} runs it without XState. An event that a state does not name
 * changes nothing.
 */
export const clientStates = {
  id: "client",
  initial: "connecting",
  states: {
    connecting: { on: { hello: "joined", close: "closing", end: "closed" } },
    joined: { on: { lost: "away", close: "closing", end: "closed" } },
    away: {
      on: {
        resumed: "joined",
        // Only without a session: there is nothing to resume.
        hello: "joined",
        lost: "away",
        gone: "connecting",
        close: "closing",
        end: "closed",
      },
    },
    closing: { on: { end: "closed" } },
    closed: { type: "final" },
  },
} as const;

export type ClientState = keyof typeof clientStates.states;
export type ClientEvent = "hello" | "resumed" | "lost" | "gone" | "close" | "end";

/** The state after `event`. Undefined if `state` does not take it. */
export function nextState(state: ClientState, event: ClientEvent): ClientState | undefined {
  const { on } = clientStates.states[state] as {
    readonly on?: { readonly [E in ClientEvent]?: ClientState };
  };
  return on?.[event];
}
