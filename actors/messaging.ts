import type { Message } from "../layers/message.ts";

export interface AskOptions {
  /** Milliseconds. @default 5_000 */
  readonly timeoutMs?: number;
}

export interface AskGroupOptions extends AskOptions {
  /** The alias of the group's layer. @default the consumer's; for the runtime, the control layer */
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
  /** The other members, with the reason: they failed, dropped the message, or took too long. */
  readonly failures: readonly { readonly channel: string; readonly node: string; readonly reason: string }[];
  /** The nodes that did not fully report in time. Their members may have received the message. */
  readonly missing: readonly string[];
}

/** A count over all nodes that answered. */
export interface Tally {
  readonly count: number;
  /** The nodes that did not answer in time. */
  readonly missing: readonly string[];
}

/** The members that joined and left a group. A member whose meta `track` replaces is in both. */
export interface PresenceDiff {
  readonly group: string;
  readonly joins: readonly { readonly key: string; readonly meta: unknown }[];
  readonly leaves: readonly { readonly key: string; readonly meta: unknown }[];
}

/** The members of a group by key, each with the meta of every connection under that key. */
export type Members<M = unknown> = ReadonlyMap<string, readonly M[]>;

export interface TrackOptions {
  /** Identifies the member to others: a user's id, say. @default the actor's channel */
  readonly key?: string;
}

export interface SubmitOptions {
  /** The alias of the workers' layer. @default the consumer's; for the runtime, the control layer */
  readonly layer?: string;
  /** The channel that receives the {@link JobMessages}. @default the consumer's; for the runtime, none */
  readonly replyTo?: string;
}

/** The messages that an actor receives about a job that it submitted: declare and handle them. */
export interface JobMessages {
  /** Progress of the worker. It starts again if the job is retried. */
  job_progress: { job: string; value: unknown };
  /** The final message: the value that the worker's handler returned. It arrives twice at worst. */
  job_done: { job: string; value: unknown };
  /** The final message: the handler failed at its last attempt. The job is in the dead letters. */
  job_failed: { job: string; reason: string };
}

/** Operations beyond the consumer's own connection. {@link Consumer} documents them for users. */
export interface Messaging {
  sendTo(channel: string, message: Message): Promise<void>;
  ask(channel: string, message: Message, options: AskOptions): Promise<unknown>;
  askGroup(group: string, message: Message, options: AskGroupOptions): Promise<GroupAnswers>;
  tag(tag: string): void;
  untag(tag: string): void;
  track(group: string, meta: unknown, options: TrackOptions): void;
  untrack(group: string): void;
  watch(group: string): void;
  unwatch(group: string): void;
  presence(group: string): Members;
  submit(channel: string, message: Message, options: SubmitOptions): Promise<string>;
}
