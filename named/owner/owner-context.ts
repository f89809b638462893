import type { ErrorOwner } from "../../layers/async-errors.ts";
import type { Clock } from "../../layers/clock.ts";
import type { LayerState } from "../../layers/layer-state.ts";
import type { Lane } from "../../layers/scheduling/lane.ts";
import type { Partition } from "../../layers/state-backend.ts";
import type { NamedCounts } from "../context.ts";
import type { Behaviour } from "../kind-options.ts";
import type { MessageChecks } from "../message-checks.ts";
import type { Answer, RecordCodec } from "../records.ts";
import type { RelayTargets } from "./outbox-relay.ts";

/** The parts of a kind that its actors on this node share. */
export interface ActorContext {
  readonly behaviour: Behaviour;
  /** The index of the partition. */
  readonly partition: number;
  readonly codec: RecordCodec;
  readonly checks: MessageChecks;
  readonly counts: NamedCounts;
  /** The time of the store, in milliseconds. */
  readonly now: () => number;
  /** Reports an error that no caller receives. */
  readonly report: (error: unknown, key: string, stage: string) => void;
  /** An actor was parked. */
  readonly parked: (key: string, reason: string) => void;
  /** A message, delay or outbox entry was set aside. */
  readonly buried: (key: string, reason: string) => void;
  /** Whether this node has asked. */
  readonly isLocal: (ask: string) => boolean;
}

/** The parts of a kind that its partitions on this node share. */
export interface PartitionContext extends Omit<ActorContext, "partition" | "now"> {
  readonly state: LayerState;
  readonly clock: Clock;
  readonly lane: Lane;
  readonly replicas: number;
  /** Receives the errors that machines, custom actions and children leave behind. */
  readonly owner: ErrorOwner;
  /** The actors of this node get this share of the memory: the least recently used ones leave it earlier. */
  readonly maxActive: number;
  readonly answer: (ask: string, answer: Answer) => void;
  readonly targets: (partition: Partition) => Pick<RelayTargets, "targetOf" | "deliver">;
  readonly rolledBack: (key: string, committed: string, found: string) => void;
  /** The partition has another owner. */
  readonly lost: (partition: Partition) => void;
}
