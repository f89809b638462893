import type { Message } from "../layers/message.ts";
import type { AskOptions } from "./ask-options.ts";
import type { NamedActors } from "./named-actor.ts";

/** Options of {@link Consumer.askGroup}. */
export interface AskGroupOptions extends AskOptions {
  /** The alias of the group's layer. @default the consumer's layer; for a runtime, the control layer */
  readonly layer?: string;
}

/** The outcome of asking a group. */
export interface GroupAnswers {
  /** The values that members returned in time. */
  readonly replies: readonly {
    readonly channel: string;
    readonly node: string;
    readonly value: unknown;
  }[];
  /** Members that returned no value: the handler failed or took too long, or the message was dropped. */
  readonly failures: readonly { readonly channel: string; readonly node: string; readonly reason: string }[];
  /** Nodes that sent no complete report before the timeout. Their actors may have received the message. */
  readonly missing: readonly string[];
}

/** A count over all nodes that answered. */
export interface Tally {
  readonly count: number;
  /** The nodes that did not answer in time. */
  readonly missing: readonly string[];
}

/** A member in a {@link PresenceDiff}. */
export interface PresenceDiffEntry<M = unknown> {
  readonly key: string;
  /** The metas of the key's connections: the current metas, or those that the key had when it left. */
  readonly metas: readonly M[];
}

/**
 * The changes of a group's members, as this node sees them. Each key is in one list only. All connections
 * with a key, on all nodes, are one member.
 */
export interface PresenceDiff<M = unknown> {
  readonly group: string;
  /** The keys that had no connection before, and have one now. */
  readonly joins: readonly PresenceDiffEntry<M>[];
  /** The keys whose last connection has left. */
  readonly leaves: readonly PresenceDiffEntry<M>[];
  /** The keys that stay present, and whose metas have changed. */
  readonly changes: readonly PresenceDiffEntry<M>[];
}

/** The members present in a group. Maps each key to the metas of all connections with that key. */
export type Members<M = unknown> = ReadonlyMap<string, readonly M[]>;

/** Options of {@link Consumer.track}. */
export interface TrackOptions {
  /** Identifies the member to other members, for example by the id of a user. @default the actor's channel */
  readonly key?: string;
  /**
   * Time in milliseconds for which the member stays present after the end of the actor, 0 to 3,600,000. If
   * the same key is tracked again in this time, on any node, the absence is not announced. `untrack` ends the
   * presence at once. @default 0
   */
  readonly graceMs?: number;
}

/** Options of {@link Consumer.submit}. */
export interface SubmitOptions {
  /** The alias of the workers' layer. @default the consumer's layer; for a runtime, the control layer */
  readonly layer?: string;
  /** The channel for the {@link JobMessages}. @default the consumer's channel; for a runtime, none */
  readonly replyTo?: string;
}

/** The messages about a submitted job. A consumer that handles them declares them in its message types. */
export interface JobMessages {
  /** The progress that the worker reported. If the job is retried, the progress starts again. */
  job_progress: { job: string; value: unknown };
  /** The job succeeded. `value` is the handler's return value. This message may arrive twice. */
  job_done: { job: string; value: unknown };
  /**
   * The job has failed for good: its last attempt failed, it waited for too long, or a message cannot hold its
   * result.
   */
  job_failed: { job: string; reason: string };
}

/** A consumer's operations on other actors and workers: see {@link Consumer}. */
export interface Messaging {
  /** See {@link Consumer.sendTo}. */
  sendTo(channel: string, message: Message): Promise<void>;
  /** See {@link Consumer.ask}. */
  ask(channel: string, message: Message, options: AskOptions): Promise<unknown>;
  /** See {@link Consumer.askGroup}. */
  askGroup(group: string, message: Message, options: AskGroupOptions): Promise<GroupAnswers>;
  /** See {@link Consumer.tag}. */
  tag(tag: string): void;
  /** Adds a tag of a snapshot. All remembered disconnects of this tag apply to the actor. */
  restoreTag(tag: string): void;
  /** See {@link Consumer.untag}. */
  untag(tag: string): void;
  /** See {@link Consumer.track}. */
  track(group: string, meta: unknown, options: TrackOptions): void;
  /** See {@link Consumer.untrack}. */
  untrack(group: string): void;
  /** See {@link Consumer.watch}. */
  watch(group: string): void;
  /** See {@link Consumer.unwatch}. */
  unwatch(group: string): void;
  /** See {@link Consumer.presence}. */
  presence(group: string): Members;
  /** See {@link Consumer.submit}. */
  submit(channel: string, message: Message, options: SubmitOptions): Promise<string>;
  /** @throws {NamedKindError} if the runtime knows no such kind. */
  named(kind: string): NamedActors;
}
