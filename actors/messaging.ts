import type { Message } from "../layers/message.ts";

export interface AskOptions {
  /** Milliseconds. @default 5_000 */
  readonly timeoutMs?: number;
}

export interface AskGroupOptions extends AskOptions {
  /** The alias of the layer that the group is on. @default the consumer's; for the runtime, the control layer */
  readonly layer?: string;
}

/** What came of asking a group. */
export interface GroupAnswers {
  /** What the members returned that answered in time. */
  readonly replies: readonly {
    readonly channel: string;
    readonly node: string;
    readonly value: unknown;
  }[];
  /** The members that did not, and why: they failed, dropped the message, or took too long. */
  readonly failures: readonly { readonly channel: string; readonly node: string; readonly reason: string }[];
  /** The nodes of which nothing, or not all, was heard in time. Their members may have got the message all the same. */
  readonly missing: readonly string[];
}

/** How many, over all nodes that answered. */
export interface Tally {
  readonly count: number;
  /** The nodes that did not answer in time. */
  readonly missing: readonly string[];
}

/** Who joined and who left a group. Who is replaced, by another call of `track`, is in both. */
export interface PresenceDiff {
  readonly group: string;
  readonly joins: readonly { readonly key: string; readonly meta: unknown }[];
  readonly leaves: readonly { readonly key: string; readonly meta: unknown }[];
}

/** The members of a group by key, each with what was said of it: once for each connection under that key. */
export type Members<M = unknown> = ReadonlyMap<string, readonly M[]>;

export interface TrackOptions {
  /** What this member has in common with others that are the same: a user's id, say. @default the actor's channel */
  readonly key?: string;
}

export interface SubmitOptions {
  /** The alias of the layer that the workers' channel is on. @default the consumer's; for the runtime, the control layer */
  readonly layer?: string;
  /** The channel of the actor that hears what becomes of the job. @default the consumer's; for the runtime, nobody */
  readonly replyTo?: string;
}

/** What an actor hears of a job that it has submitted: declare these among its messages, and handle them. */
export interface JobMessages {
  /** The worker has come so far. It may come again from the start, if the job is tried again. */
  job_progress: { job: string; value: unknown };
  /** The last word: what the worker's handler returned. It comes twice at worst. */
  job_done: { job: string; value: unknown };
  /** The last word: the handler failed as often as it may. The job is in the dead letters. */
  job_failed: { job: string; reason: string };
}

/** What a consumer can do beyond its own connection and groups. {@link Consumer} documents each of these for users. */
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
