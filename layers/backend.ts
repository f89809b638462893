import type { Position } from "./message.ts";

/** Receives payloads, gaps and errors from a backend. A topic is the wire name of a group or of a node. */
export interface BackendListener {
  payload(topic: string, payload: Uint8Array, position?: Position): void;
  /** Payloads of `topic` may have been lost since the last call of `payload`; `range` holds them if known. */
  gap(topic: string, range?: { readonly from?: number; readonly to?: number }): void;
  /** Reports a failure that no caller awaits, such as a lost connection. */
  error(error: Error): void;
  /** The number of payloads and gaps that have arrived and are not yet delivered to all members. */
  readonly waiting?: number;
}

/** The optional features of a layer. A consumer may declare which ones it needs. */
export interface Capabilities {
  /**
   * `at-most-once`: messages sent while a connection is down are lost, and members receive a gap.
   * `once-or-gap`: they are fetched after the reconnect, and members receive a gap if that is not possible.
   */
  readonly delivery: "at-most-once" | "once-or-gap";
  /** Whether messages reach nodes in other processes. */
  readonly crossProcess: boolean;
  /** Whether the last messages of a group can be read again. */
  readonly history: boolean;
  /** Whether named channels are queues whose messages are distributed among workers. */
  readonly workers: boolean;
}

/** Selects the newest `limit` payloads after `since`. */
export interface HistoryQuery {
  readonly limit: number;
  /** A number is an offset in the current epoch. */
  readonly since?: Position | number | undefined;
}

/** Part of a history, as a backend stores it. */
export interface StoredHistory {
  /** Oldest first. */
  readonly entries: readonly { readonly payload: Uint8Array; readonly position: Position }[];
  /** The newest position; undefined if the topic has no history, or if it was lost or has expired. */
  readonly position: Position | undefined;
  /** Whether `entries` holds everything published after `since`; true if `since` is undefined. */
  readonly complete: boolean;
}

/** The stored histories of a backend. */
export interface HistoryBackend {
  read(topic: string, query: HistoryQuery): Promise<StoredHistory>;
}

/** A capability that a consumer can require from its layer: one of the booleans of {@link Capabilities}. */
export type Capability = {
  [Name in keyof Capabilities]: Capabilities[Name] extends boolean ? Name : never;
}[keyof Capabilities];

/** Whether a layer can carry messages now, and the reason if it cannot. */
export interface Health {
  readonly ok: boolean;
  readonly reason?: string;
}

/**
 * The transport of a layer. It moves payloads between nodes, by topic, without decoding them.
 *
 * A backend MUST keep the order of one node's publishes on one topic, MUST also deliver a payload to the node
 * that published it, MUST NOT call the listener from inside `publish`, and MUST NOT call it after `close`.
 */
export interface Backend {
  readonly capabilities: Capabilities;
  readonly health: Health;
  /**
   * The number of payloads that are published and not yet delivered, including those
   * {@link BackendListener.waiting}; undefined if the backend cannot know it. Only a backend within one
   * process can. Specs wait until it is 0.
   */
  readonly inFlight?: number | undefined;
  /** Present if the backend keeps published payloads. */
  readonly history?: HistoryBackend;
  /** Present if the backend supports named channels. `close` closes it, too. */
  readonly queues?: QueueBackend;
  /**
   * Connects. Called before every other method except `close`, and again only if it rejects.
   *
   * @throws {LayerUnavailableError} naming the address, without passwords.
   */
  open(listener: BackendListener): Promise<void>;
  /**
   * Resolves once the payload is on its way, and rejects if that is not certain. The backend owns the payload
   * from then on: the caller must not change it.
   */
  publish(topic: string, payload: Uint8Array): Promise<void>;
  /**
   * Resolves once every later publish to `topic` reaches this node. If it rejects, no subscription remains.
   * Never called for a topic that is already subscribed or whose last change is still pending.
   */
  subscribe(topic: string): Promise<void>;
  /**
   * Resolves once publishes to `topic` no longer reach this node. Called for subscribed topics only. Must not
   * reject: during an outage it resolves at once.
   */
  unsubscribe(topic: string): Promise<void>;
  /** Frees connections and timers; pending calls reject. Called once, at any time, even during `open`. */
  close(): Promise<void>;
}

/** The delivery of one message of a named channel to a handler. */
export interface JobDelivery {
  /** The number of deliveries of this message, including this one: 1 unless an earlier one failed. */
  readonly attempt: number;
  /**
   * Aborted when the consumption closes, and when another worker has taken the message over because this
   * process was unreachable for too long. A handler that stops early rejects with the signal's reason or any
   * `AbortError`. That is not a failure: no error is reported, and the message is delivered again.
   */
  readonly signal: AbortSignal;
  /** The sender's channel for the outcome. It may be any text if the sender does not use this package. */
  readonly replyTo?: string;
  /** The sender's id of the job, for messages to `replyTo`. */
  readonly job?: string;
}

/** A running consumer of a named channel. */
export interface Consumption {
  /**
   * Stops taking messages at once and aborts the signals of running handlers. Resolves once all handlers are
   * done, however long they take, so a handler must not await it. May be called twice.
   */
  close(): Promise<void>;
}

/**
 * The fate of a job after its handler: `done` removes it, `dead` moves it to the dead letters, `againAfterMs`
 * retries it after that delay, and `given-back`, after an aborted signal, leaves it to the next free worker.
 */
export type JobOutcome = "done" | "dead" | "given-back" | { readonly againAfterMs: number };

/** Processes the jobs of a queue. */
export interface QueueReceiver {
  /**
   * Processes one job and returns its outcome. Never rejects.
   *
   * @param attempt how often the job has been handed out, including this time.
   * @param signal see {@link JobDelivery.signal}.
   * @param ageMs milliseconds since the job was enqueued.
   */
  job(payload: Uint8Array, attempt: number, signal: AbortSignal, ageMs: number): Promise<JobOutcome>;
  /** Reports a failure that no caller awaits, such as a lost connection. */
  error(error: Error): void;
}

/** Settings of one consumption of a queue. */
export interface QueueSettings {
  /** The maximum number of jobs processed at the same time. */
  readonly concurrency: number;
  /** How long a worker may be unreachable before its jobs go to other workers, in milliseconds. */
  readonly claimAfterMs: number;
}

/**
 * The queues of a backend. Each job belongs to one worker at a time, and is removed when that worker is done.
 *
 * A backend MUST hand out a queue's jobs in order, MUST hand out only jobs that the worker can begin at once,
 * MUST count an attempt when it hands a job out but not if the worker returns the job unbegun, and MUST hand
 * out the jobs of dead workers again. Returned jobs come before jobs that were never begun.
 */
export interface QueueBackend {
  /**
   * Appends a job to `queue`. Resolves to false if `capacity` jobs already wait or are being processed. If it
   * rejects, the job may have been added nonetheless.
   */
  enqueue(queue: string, payload: Uint8Array, capacity: number): Promise<boolean>;
  /**
   * Begins to process `queue`. A `dead` job moves atomically to the end of `<queue>.dead`, even if that queue
   * is full. A job that is retried keeps its slot: its worker begins no other job in its place.
   */
  consume(queue: string, receiver: QueueReceiver, settings: QueueSettings): Promise<Consumption>;
}
