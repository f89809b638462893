import type { Position } from "./message.ts";
import type { StateBackend } from "./state-backend.ts";

/** Receives payloads, gaps and errors from a backend. A topic is the wire name of a group or of a node. */
export interface BackendListener {
  /** Passes a payload that was published on `topic`. `position` is its place in the history of a group. */
  payload(topic: string, payload: Uint8Array, position?: Position): void;
  /**
   * Reports that payloads of `topic` may have been lost since the last call of `payload`. `range` holds the
   * offsets of the first and the last lost payload, as far as they are known.
   */
  gap(topic: string, range?: { readonly from?: number; readonly to?: number }): void;
  /** Reports a failure that no caller awaits, such as a lost connection. */
  error(error: Error): void;
  /** The number of payloads and gaps that have arrived but are not yet delivered to all members. */
  readonly waiting?: number;
  /**
   * Resolves once this node has room for more payloads. Undefined if it has room now. Until then, a backend should
   * not pass on payloads that a server can keep.
   */
  room?(): Promise<void> | undefined;
  /** Resolves once few payloads of `topic` wait for delivery on this node. Undefined if few wait now. */
  drained?(topic: string): Promise<void> | undefined;
}

/** The optional features of a layer. A consumer may declare which of them it needs. */
export interface Capabilities {
  /**
   * `at-most-once`: messages sent while a connection is down are lost, and members receive a gap.
   * `once-or-gap`: messages sent during an outage are fetched later. If some are lost, members receive a gap.
   */
  readonly delivery: "at-most-once" | "once-or-gap";
  /** Whether messages reach nodes in other processes. */
  readonly crossProcess: boolean;
  /**
   * Whether the newest messages of a group can be kept and read later. A memory layer keeps them only if its
   * option `history` or a consumer asks for it.
   */
  readonly history: boolean;
  /** Whether named channels are queues whose messages are distributed among workers. */
  readonly workers: boolean;
  /** Whether named actors can be stored. */
  readonly state: boolean;
}

/** Selects the newest payloads after `since`, at most `limit`. */
export interface HistoryQuery {
  readonly limit: number;
  /** A number is an offset in the current epoch of the history: see {@link Position}. */
  readonly since?: Position | number | undefined;
}

/** Part of a history, as a backend stores it. */
export interface StoredHistory {
  /** Oldest first. */
  readonly entries: readonly { readonly payload: Uint8Array; readonly position: Position }[];
  /** The newest payload's position. Undefined if no history exists, for example after its expiry or loss. */
  readonly position: Position | undefined;
  /** Whether `entries` holds everything published after `since`; true if `since` is undefined. */
  readonly complete: boolean;
}

/** The stored histories of a backend. */
export interface HistoryBackend {
  /** @throws {UnsupportedError} if the backend has a {@link keep} that was never called. */
  read(topic: string, query: HistoryQuery): Promise<StoredHistory>;
  /** Keeps the histories of all groups from now on. Absent if the backend always keeps them. */
  keep?(): void;
  /**
   * The position of the newest payload of a subscribed topic that the listener has received. The listener receives
   * all later payloads, or gaps. Undefined if there is no history yet. Without this method, sessions do not
   * recover messages after the death of a node.
   */
  position?(topic: string): Position | undefined;
  /**
   * Stores `candidate`, unless a secret is stored already. Returns the stored secret, which is the same for all nodes
   * of a layer. Sessions seal their tickets with it.
   */
  secret?(candidate: Uint8Array): Promise<Uint8Array>;
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
 * A backend MUST keep the order of one node's payloads on one topic. It MUST also deliver a payload to the
 * node that published the payload. It MUST NOT call the listener from inside `publish` or after `close`.
 */
export interface Backend {
  readonly capabilities: Capabilities;
  /** Whether the backend can publish and receive now. */
  readonly health: Health;
  /**
   * The number of published but undelivered payloads, including {@link BackendListener.waiting}.
   * Undefined for a backend that reaches other processes. Specs wait until the number is 0.
   */
  readonly inFlight?: number | undefined;
  /** Present if the backend keeps published payloads. */
  readonly history?: HistoryBackend;
  /** Present if the backend supports named channels. `close` also closes the queues. */
  readonly queues?: QueueBackend;
  /**
   * Present if the backend stores named actors. The layer opens it at its first use, after the backend, and closes it
   * before the backend if `open` was called. `close` may be called during `open`.
   */
  readonly state?: StateBackend;
  /**
   * Connects. Called before all other methods except `close`. Called again only if the last call rejected.
   * Settles within a limited time: if messages wait to be sent, `close` of the layer waits for `open`.
   *
   * @throws {LayerUnavailableError} if the server does not answer. The message contains the server's address,
   *   without passwords.
   */
  open(listener: BackendListener): Promise<void>;
  /**
   * Resolves once the payload is published. Rejects if it is not certain that the payload was published. The
   * caller must not change the payload after the call.
   */
  publish(topic: string, payload: Uint8Array): Promise<void>;
  /**
   * Subscribes `topic`: every payload that is published after the promise resolves reaches this node. If the
   * promise rejects, the topic is not subscribed. Never called for a subscribed topic, or while an earlier
   * `subscribe` or `unsubscribe` of the topic is pending.
   */
  subscribe(topic: string): Promise<void>;
  /**
   * Resolves once payloads of `topic` no longer reach this node. During an outage, resolves immediately.
   * MUST NOT reject. Called only for subscribed topics.
   */
  unsubscribe(topic: string): Promise<void>;
  /** Frees connections and timers; rejects pending calls. Called once, at any time, even during `open`. */
  close(): Promise<void>;
}

/** The delivery of one message of a named channel to a handler. */
export interface JobDelivery {
  /** The number of deliveries of this message, including this one: 1 for the first delivery. */
  readonly attempt: number;
  /**
   * Aborted when the consumption closes. Also aborted when another worker has received the message, because
   * this process was unreachable for too long. A handler that stops early should reject with the signal's
   * reason or with any `AbortError`. Such a rejection is not a failure: no error is reported, and the message
   * is delivered again. After `timeoutMs`, the signal is aborted with a {@link JobTimeoutError}; a rejection
   * is then a failure.
   */
  readonly signal: AbortSignal;
  /** The channel for the outcome. This package does not check the value on arrival, so it can be any text. */
  readonly replyTo?: string;
  /** The id that the sender gave to the job. The message to `replyTo` should contain this id. */
  readonly job?: string;
  /** @internal The time limit of the handler. Present only if there is a `timeoutMs`. */
  readonly limit?: HandlerLimit;
}

/** @internal */
export interface HandlerLimit {
  /** Aborted once the outcome of the handler is ignored. */
  readonly ended: AbortSignal;
  /** Ends the time limit, because the handler has settled and only its outcome has to be sent. */
  lift(): void;
}

/** A running consumer of a named channel. */
export interface Consumption {
  /**
   * Accepts no more messages and aborts the signals of running handlers. Messages that wait for a retry go to
   * other workers at once. Resolves once all handlers are done, or have exceeded their `timeoutMs`. A handler
   * must not await `close`, because `close` waits for that handler. May be called more than once.
   */
  close(): Promise<void>;
}

/**
 * The next step for a job whose handler has ended:
 *
 * - `done`: the job is removed.
 * - `dead`: the job moves to the dead letters.
 * - `againAfterMs`: the same worker retries the job after this delay, and does other jobs meanwhile.
 * - `given-back`: the next free worker receives the job, because the handler's signal was aborted.
 * - `afterDone`: `done`, and then the function is called, unless another worker has ended the job before.
 * - `beforeDone`, `beforeDead`: `done` or `dead`, and the function is called before the job is removed or moves. It
 *   is not called if another worker has ended the job before. After the call, no other worker can end the job as
 *   done. If the process dies during the call, the attempt of a job that ends with `beforeDone` does not count.
 *
 * The functions never reject.
 */
export type JobOutcome =
  | ("done" | "dead" | "given-back")
  | { readonly againAfterMs: number }
  | { readonly afterDone: () => Promise<void> }
  | { readonly beforeDone: () => Promise<void> }
  | { readonly beforeDead: () => Promise<void> };

/** Processes the jobs of a queue. */
export interface QueueReceiver {
  /**
   * Processes one job and returns its outcome. Never rejects.
   *
   * @param attempt the number of times that the job has been handed out, including this time.
   * @param signal see {@link JobDelivery.signal}.
   * @param ageMs milliseconds from the enqueuing to the handing out: see {@link QueueSettings.measuresAge}.
   */
  job(payload: Uint8Array, attempt: number, signal: AbortSignal, ageMs: number): Promise<JobOutcome>;
  /** Reports a failure that no caller awaits, such as a lost connection. */
  error(error: Error): void;
}

/** Settings of one consumption of a queue. */
export interface QueueSettings {
  /** The maximum number of jobs processed at the same time. */
  readonly concurrency: number;
  /** Milliseconds that a worker may be unreachable before its jobs go to other workers. */
  readonly claimAfterMs: number;
  /**
   * Whether jobs expire, so that the age of a job is needed. The clock of one machine MUST measure the whole
   * age. If false, the age may be 0. @default false
   */
  readonly measuresAge?: boolean;
}

/** Identifies a job that may be sent twice. */
export interface JobNumber {
  readonly sender: string;
  /** A positive integer. The jobs of one sender to one queue have ascending numbers. */
  readonly number: number;
}

/**
 * The queues of a backend. Each job belongs to one worker at a time, and is removed when that worker is done.
 *
 * A backend MUST
 *
 * - hand out the jobs of a queue in order, and returned jobs before jobs that were never begun,
 * - hand out only jobs that the worker can begin immediately,
 * - count an attempt for each job that it hands out, unless the worker returns the job unbegun,
 * - hand out the jobs of dead workers again, and
 * - keep a queue as long as it holds jobs.
 */
export interface QueueBackend {
  /**
   * Appends a job to `queue`. Resolves to false if the queue already holds `capacity` jobs, including those
   * that are being processed. If the promise rejects, the job may still have been added.
   *
   * @param once makes the call safe to repeat: if the sender has added a job with this number or a higher one to the
   *   queue, the call adds nothing and resolves to true. The numbers of the last 1,000 senders or more are kept for
   *   7 days or longer.
   */
  enqueue(queue: string, payload: Uint8Array, capacity: number, once?: JobNumber): Promise<boolean>;
  /**
   * Begins to process `queue`. A job with the outcome `dead` moves atomically to the end of `<queue>.dead`,
   * even if `<queue>.dead` is full. A job that waits for a retry stays with its worker, but does not count
   * towards `concurrency`, so later jobs may overtake it. A worker may limit the number of such jobs.
   */
  consume(queue: string, receiver: QueueReceiver, settings: QueueSettings): Promise<Consumption>;
  /**
   * Deletes `queue`, and returns the number of its jobs, including those that are being processed. The signals
   * of these jobs are aborted, and their outcomes have no effect. `<queue>.dead` stays. Consumptions continue
   * with the jobs that are added later.
   */
  delete(queue: string): Promise<number>;
  /** Returns the number of jobs in `queue`, including those that are being processed; 0 if the queue does not exist. */
  size(queue: string): Promise<number>;
}
