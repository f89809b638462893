import type { ChannelLayer } from "../layers/channel-layer.ts";
import type { Clock } from "../layers/clock.ts";
import type { ErrorListener } from "../layers/error-reporter.ts";
import type { Lane } from "../layers/scheduling/lane.ts";

/** The facts that a kind counts on this node. */
export interface NamedCounts {
  /** Steps of machines: messages, delays and events of children. */
  steps: number;
  /** Steps that failed, including those that were tried again. */
  failed: number;
  /** Messages, delays and outbox entries that became dead letters or were dropped after their last try. */
  dead: number;
  /** Times that an actor was parked. */
  parked: number;
  /** Committed steps of actors that the store had lost. */
  rolledBack: number;
  /** Stored messages that the store had lost. */
  lost: number;
  /** Messages that were refused because a mailbox was full. */
  full: number;
}

export const noCounts = (): NamedCounts => ({
  steps: 0,
  failed: 0,
  dead: 0,
  parked: 0,
  rolledBack: 0,
  lost: 0,
  full: 0,
});

/** The counts of a kind on this node, with what this node runs now. */
export interface NamedCounters extends Readonly<NamedCounts> {
  /** The partitions that this node owns now. */
  readonly owned: number;
  /** The actors that are in the memory of this node now. */
  readonly active: number;
}

/** Notable facts about named actors, for `greenroom:named` events. */
export type NamedEvent =
  | {
      readonly event: "parked" | "dead-letter";
      readonly kind: string;
      readonly key: string;
      readonly reason: string;
    }
  | {
      readonly event: "rolled-back";
      readonly kind: string;
      readonly key: string;
      /** The version that this node had committed. */
      readonly committed: string;
      /** The version in the store. */
      readonly found: string;
    }
  | { readonly event: "lost"; readonly kind: string; readonly partition: number; readonly messages: number };

/** The parts of a runtime that named actors need. */
export interface NamedContext {
  readonly clock: Clock;
  /** The time for steps in each turn of the event loop. */
  readonly lane: Lane;
  readonly report: ErrorListener;
  /** Returns a layer, by default the control layer. @throws {UnknownLayerError} that names `subject`. */
  readonly layer: (alias: string | undefined, subject: string) => ChannelLayer;
  readonly onEvent: (event: NamedEvent) => void;
}
