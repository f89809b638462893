/** The state after each event, by the state before it. An event that a state does not name changes nothing. */
export const steps = {
  connecting: { hello: "joined", close: "closing", end: "closed" },
  joined: { lost: "away", close: "closing", end: "closed" },
  away: {
    resumed: "joined",
    // Only without a session: there is nothing to resume.
    hello: "joined",
    lost: "away",
    gone: "connecting",
    close: "closing",
    end: "closed",
  },
  closing: { end: "closed" },
  closed: {},
} as const;

export type ClientState = keyof typeof steps;
export type ClientEvent = "hello" | "resumed" | "lost" | "gone" | "close" | "end";

/** The state after `event`. Undefined if `state` does not take it. */
export const nextState = (state: ClientState, event: ClientEvent): ClientState | undefined =>
  (steps[state] as { readonly [E in ClientEvent]?: ClientState })[event];
