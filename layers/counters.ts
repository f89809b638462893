export const dropReasons = [
  "garbage",
  "undecryptable",
  "refused-type",
  "no-channel",
  "inbox-error",
  "unavailable",
  "queue-full",
  "queue-lost",
  "expired",
  "late",
  "dead-letter",
] as const;

/**
 * Why a message did not reach an inbox:
 * - `garbage`: the payload is not a message in plain msgpack
 * - `undecryptable`: the payload was not encrypted with a key of this layer, was modified, or was encrypted for another
 *   group, node or queue
 * - `refused-type`: the message has a type that begins with `xstate.`
 * - `no-channel`: a direct send arrived for a channel that does not exist on this node
 * - `inbox-error`: the inbox threw
 * - `unavailable`: the backend could not publish; the sender's promise was rejected
 * - `queue-full`: the named channel is full; the sender's promise was rejected
 * - `queue-lost`: a named channel that this node consumes has vanished from the server, with all its messages.
 *   Counts once for each loss, because the number of messages is not known
 * - `expired`: the message waited in its named channel for too long; no handler received it
 * - `late`: a handler ended after its attempt had failed for lack of time, so its outcome was ignored
 * - `dead-letter`: handlers failed too often, so the message moved to the dead letters. A named channel's
 *   `garbage`, `undecryptable` and `refused-type` payloads also move to the dead letters, but do not count as
 *   `dead-letter`
 */
export type DropReason = (typeof dropReasons)[number];

/** Counts the messages that a node has sent, received and dropped since it was created. */
export interface LayerCounters {
  /** Messages sent by this node and accepted by its backend. */
  readonly published: number;
  /** Payloads that arrived at this node, including those without a recipient. */
  readonly received: number;
  /** Messages delivered to inboxes. A message to a group with three members on this node counts as three. */
  readonly delivered: number;
  /** Messages of named channels that a handler has completed. */
  readonly consumed: number;
  /** Failed attempts at messages of named channels that are followed by another attempt. */
  readonly retried: number;
  /** Gaps in groups with members on this node, and gaps in the direct sends to this node. */
  readonly gaps: number;
  /** Dropped messages by reason. Reasons that have not occurred are absent. */
  readonly dropped: { readonly [reason in DropReason]?: number };
}

/** Receives measured times. Its methods MUST be quick, and MUST NOT throw. */
export interface LayerMeter {
  /** The backend has published a message within `ms` milliseconds, or has added it to a queue. */
  published(ms: number): void;
  /** `count` messages or gaps that arrived together reached all their inboxes on this node within `ms` milliseconds. */
  delivered(ms: number, count: number): void;
}

/** The live counters of one node, of which {@link LayerCounters} is a snapshot. */
export class LayerMetrics {
  published = 0;
  received = 0;
  delivered = 0;
  consumed = 0;
  retried = 0;
  gaps = 0;
  /** Set while a runtime collects metrics. */
  meter: LayerMeter | undefined = undefined;
  readonly #dropped: { [reason in DropReason]?: number } = {};

  drop(reason: DropReason): void {
    this.#dropped[reason] = (this.#dropped[reason] ?? 0) + 1;
  }

  snapshot(): LayerCounters {
    const { published, received, delivered, consumed, retried, gaps } = this;
    return { published, received, delivered, consumed, retried, gaps, dropped: { ...this.#dropped } };
  }
}
