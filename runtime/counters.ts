const dropReasons = [
  "unhandled",
  "overflow",
  "slow",
  "closing",
  "unread",
  "dead-letter",
  "late",
  "garbage",
] as const;

/**
 * Why a runtime dropped something:
 *
 * - `unhandled`: a message type that the consumer's table lacks, or a frame its consumer has no use for
 * - `overflow`: a message for an actor whose mailbox was full
 * - `slow`: a frame for a client for which too much waits already
 * - `closing`: a message or frame, in either direction, of a connection on its way out
 * - `unread`: a frame that a spawned actor sent and nobody took from `outgoing` in time
 * - `dead-letter`: a message for an actor that has stopped, or for a channel that no known node has
 * - `late`: an answer that nobody waited for any more
 * - `garbage`: what came over the control layer, and is nothing that a node says to another
 */
export type RuntimeDropReason = (typeof dropReasons)[number];

/** What a runtime has done since it was made. */
export interface RuntimeCounters {
  /** Upgrades answered with an HTTP error, whoever refused. */
  readonly refused: number;
  readonly dropped: Readonly<Record<RuntimeDropReason, number>>;
}

/** Counts what a runtime does. */
export class Counters {
  #refused = 0;
  readonly #dropped = Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<
    RuntimeDropReason,
    number
  >;

  refuse(): void {
    this.#refused++;
  }

  drop(reason: RuntimeDropReason, count = 1): void {
    this.#dropped[reason] += count;
  }

  snapshot(): RuntimeCounters {
    return { refused: this.#refused, dropped: { ...this.#dropped } };
  }
}
