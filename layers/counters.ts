/**
 * Why a message did not reach an inbox:
 *
 * - `garbage`: what arrived is no message in plain msgpack
 * - `undecryptable`: what arrived was not encrypted with a key of this layer, or was changed on its way
 * - `refused-type`: what arrived has a type that begins with `xstate.`
 * - `no-channel`: a direct send arrived for a channel that is not, or no longer, on this node
 * - `inbox-error`: the inbox threw
 * - `unavailable`: the backend could not publish; the sender's promise was rejected
 * - `queue-full`: the named channel holds as many as it may; the sender's promise was rejected
 * - `expired`: the message had waited in its named channel for too long when a worker got it; no handler has seen it
 * - `dead-letter`: handlers failed too often; the message is in the channel's dead letters, as is what `consume` found
 *   to be `garbage`, `undecryptable` or of a `refused-type`
 */
export type DropReason =
  | "garbage"
  | "undecryptable"
  | "refused-type"
  | "no-channel"
  | "inbox-error"
  | "unavailable"
  | "queue-full"
  | "expired"
  | "dead-letter";

/** What a node has carried since it was made. */
export interface LayerCounters {
  /** Messages sent by this node that its backend took. */
  readonly published: number;
  /** Payloads that arrived at this node, whether or not anybody wanted them. */
  readonly received: number;
  /** Messages put into inboxes: one payload for a group of three counts three. */
  readonly delivered: number;
  /** Messages of named channels whose handler is done with them. */
  readonly consumed: number;
  /** Messages lost, by reason. A reason that never happened is absent. */
  readonly dropped: { readonly [reason in DropReason]?: number };
}

/** The live counters of one node, of which {@link LayerCounters} is a snapshot. */
export class LayerMetrics {
  published = 0;
  received = 0;
  delivered = 0;
  consumed = 0;
  readonly #dropped: { [reason in DropReason]?: number } = {};

  drop(reason: DropReason): void {
    this.#dropped[reason] = (this.#dropped[reason] ?? 0) + 1;
  }

  snapshot(): LayerCounters {
    const { published, received, delivered, consumed } = this;
    return { published, received, delivered, consumed, dropped: { ...this.#dropped } };
  }
}
