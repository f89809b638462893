import type { Message } from "../layers/message.ts";

export interface AskOptions {
  /** The time limit for the reply, in milliseconds. @default 5_000 */
  readonly timeoutMs?: number;
}

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

/** A change of a group's present members. If `track` replaces a meta, `joins` and `leaves` have the key. */
export interface PresenceDiff {
  readonly group: string;
  readonly joins: readonly { readonly key: string; readonly meta: unknown }[];
  readonly leaves: readonly { readonly key: string; readonly meta: unknown }[];
}

/** The members present in a group. Maps each key to the metas of all connections with that key. */
export type Members<M = unknown> = ReadonlyMap<string, readonly M[]>;

export interface TrackOptions {
  /** Identifies the member to other members, for example by the id of a user. @default the actor's channel */
  readonly key?: string;
}

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
  sendTo(channel: string, message: Message): Promise<void>;
  ask(channel: string, message: Message, options: AskOptions): Promise<unknown>;
  askGroup(group: string, message: Message, options: AskGroupOptions): Promise<GroupAnswers>;
  tag(tag: string): void;
  /** Adds a tag of a snapshot. All remembered disconnects of this tag apply to the actor. */
  restoreTag(tag: string): void;
  untag(tag: string): void;
  track(group: string, meta: unknown, options: TrackOptions): void;
  untrack(group: string): void;
  watch(group: string): void;
  unwatch(group: string): void;
  presence(group: string): Members;
  submit(channel: string, message: Message, options: SubmitOptions): Promise<string>;
}
