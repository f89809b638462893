import type { Position } from "./message.ts";

/** What a backend tells its layer. Each call is about one topic: the wire's name of a group or of a node. */
export interface BackendListener {
  payload(topic: string, payload: Uint8Array, position?: Position): void;
  /** Payloads may have been lost on `topic` between two calls of `payload`: those of `range`, where that is known. */
  gap(topic: string, range?: { readonly from?: number; readonly to?: number }): void;
  /** A failure that no caller awaits, such as a lost connection. */
  error(error: Error): void;
  /** How many payloads and gaps it was told of and has not delivered yet: large groups get them over some turns. */
  readonly waiting?: number;
}

/** What a layer can do beyond the minimum. A consumer may declare what it needs. */
export interface Capabilities {
  /**
   * `at-most-once`: what is sent while a link is down is lost, and members hear of a gap. `once-or-gap`: it is fetched
   * afterwards, and members hear of a gap where that is not possible.
   */
  readonly delivery: "at-most-once" | "once-or-gap";
  /** Whether nodes in other processes are reached. */
  readonly crossProcess: boolean;
  /** Whether a group's last messages can be read again. */
  readonly history: boolean;
  /** Whether named channels are queues whose messages are shared out among workers. */
  readonly workers: boolean;
}

/** Which part of a history is wanted: the newest `limit` payloads after `since`. */
export interface HistoryQuery {
  readonly limit: number;
  /** A number is an offset of whatever epoch there is now. */
  readonly since?: Position | number | undefined;
}

/** Part of a history, as a backend keeps it. */
export interface StoredHistory {
  /** Oldest first. */
  readonly entries: readonly { readonly payload: Uint8Array; readonly position: Position }[];
  /** The newest there is; undefined where nothing was ever published, or all trace of it is gone. */
  readonly position: Position | undefined;
  /** Whether `entries` is all that was published after `since`; true where no `since` was asked for. */
  readonly complete: boolean;
}

/** What a backend has that keeps what was published. */
export interface HistoryBackend {
  read(topic: string, query: HistoryQuery): Promise<StoredHistory>;
}

/** What a consumer can demand of its layer: one of the {@link Capabilities} that a layer has or lacks. */
export type Capability = {
  [Name in keyof Capabilities]: Capabilities[Name] extends boolean ? Name : never;
}[keyof Capabilities];

/** Whether a layer can carry messages right now, and if not, why. */
export interface Health {
  readonly ok: boolean;
  readonly reason?: string;
}

/**
 * What a layer runs on: it moves payloads between nodes by topic and knows nothing of messages, groups or members.
 *
 * A backend MUST keep the order of one node's publishes on one topic, MUST hand a payload also to the node that
 * published it, MUST NOT call the listener synchronously from inside `publish`, and MUST be quiet after `close`.
 */
export interface Backend {
  readonly capabilities: Capabilities;
  readonly health: Health;
  /**
   * How many payloads were published and are not delivered yet, those that listeners say are {@link BackendListener.waiting}
   * included, where that can be known: within one process. Specs wait for none.
   */
  readonly inFlight?: number | undefined;
  /** For backends that keep what was published. */
  readonly history?: HistoryBackend;
  /** What makes named channels work queues, where there is that. Closed with its backend. */
  readonly queues?: QueueBackend;
  /**
   * Connects. Called before anything but `close`, and again only after it has rejected.
   *
   * @throws {LayerUnavailableError} naming the address, without passwords.
   */
  open(listener: BackendListener): Promise<void>;
  /**
   * Resolves once the payload is on its way; rejects when that is not known. The payload is the backend's
   * from then on: nobody changes it.
   */
  publish(topic: string, payload: Uint8Array): Promise<void>;
  /**
   * Resolves once everything published to `topic` from now on reaches this node; when it rejects, no subscription is
   * left behind. Never called for a topic that is subscribed or whose last change is still under way.
   */
  subscribe(topic: string): Promise<void>;
  /**
   * Called for subscribed topics only. Resolves once nothing published to `topic` reaches this node any more: at once
   * in an outage, since it must not reject.
   */
  unsubscribe(topic: string): Promise<void>;
  /** Frees connections and timers; what is pending rejects. Called once, at any time, also while `open` is under way. */
  close(): Promise<void>;
}

/** How the handler of a named channel gets a message. */
export interface JobDelivery {
  /** How often this message has been given to a handler, this time included: 1 where nothing has gone wrong. */
  readonly attempt: number;
  /**
   * Aborted when the consumption closes, and when the message has been given to another worker because this one was
   * out of reach for too long. A handler that stops early rejects with the signal's reason or any `AbortError`. That
   * is not a failure: no error is reported, and the message is delivered again.
   */
  readonly signal: AbortSignal;
  /** The channel for the outcome, as the sender said: any text, if the sender was not a layer of this package. */
  readonly replyTo?: string;
  /** What it is called there. */
  readonly job?: string;
}

/** What takes messages out of a named channel. */
export interface Consumption {
  /**
   * Stops reading at once and aborts the signals of the handlers that run. Resolves once they are done; it waits for
   * them however long they take, so a handler must not await it. May be called twice.
   */
  close(): Promise<void>;
}

/**
 * What becomes of a job when its handler is done with it: `dead` is for good, a job with `againAfterMs` is tried
 * again, and one that is `given-back` because its signal was aborted goes to the next worker that takes jobs.
 */
export type JobOutcome = "done" | "dead" | "given-back" | { readonly againAfterMs: number };

/** Who works on the jobs of a queue. */
export interface QueueReceiver {
  /**
   * Works on one job, and says what is to become of it. It never rejects.
   *
   * @param attempt from 1: how often the job has been handed out, this time included.
   * @param signal see {@link JobDelivery.signal}.
   * @param ageMs how long ago the job was put into the queue, in milliseconds.
   */
  job(payload: Uint8Array, attempt: number, signal: AbortSignal, ageMs: number): Promise<JobOutcome>;
  /** A failure that no caller awaits, such as a lost connection. */
  error(error: Error): void;
}

/** How a queue is worked on by one consumption. */
export interface QueueSettings {
  /** How many jobs at once, at most. */
  readonly concurrency: number;
  /** How long a worker may be out of reach until its jobs are given to others, in milliseconds. */
  readonly claimAfterMs: number;
}

/**
 * The queues of a backend: each job goes to one worker at a time, and is gone only when that one is done with it.
 *
 * A backend MUST hand out a queue's jobs in the order they came, MUST NOT hand one out that cannot be begun at once,
 * MUST count an attempt when it hands a job out and not when a worker gives it back unbegun, and MUST hand out again
 * what belonged to a worker that is no longer there. Jobs that are given back come before those never begun.
 */
export interface QueueBackend {
  /**
   * Puts a job at the end of `queue`; says whether there was room, which there is while fewer than `capacity` jobs
   * wait or are worked on. When it rejects, the job may have been added all the same.
   */
  enqueue(queue: string, payload: Uint8Array, capacity: number): Promise<boolean>;
  /**
   * Begins to work on `queue`. A job that is `dead` moves to the end of `<queue>.dead` in one step, however full that
   * is; one to be tried again keeps its place: its worker begins nothing else in its stead meanwhile.
   */
  consume(queue: string, receiver: QueueReceiver, settings: QueueSettings): Promise<Consumption>;
}
