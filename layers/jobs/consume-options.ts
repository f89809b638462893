import type { JobDelivery } from "../backend.ts";
import type { JobExpiredError } from "../errors.ts";
import type { Message } from "../message.ts";

/** The options of a consumer of a named channel. */
export interface ConsumeOptions {
  /** The maximum number of messages handled at the same time. Above 1, their order may change. @default 1 */
  readonly concurrency?: number;
  /** The number of deliveries after which a message goes to the dead letters. @default 3 */
  readonly maxDeliveries?: number;
  /**
   * Milliseconds that a process may be unreachable before its messages go to other workers: 100 to 86400000.
   * A handler of a reachable process may take longer. All consumers of a channel should use the same value.
   * @default 30_000
   */
  readonly claimAfterMs?: number;
  /**
   * The pause before the first retry, in milliseconds. Doubles with each retry, up to 5 s. Other messages are
   * handled during the pause, so they may overtake the message.
   * @default 100
   */
  readonly retryAfterMs?: number;
  /**
   * Milliseconds that a handler may take: 1 to 2147483647. Then its `signal` is aborted with a
   * {@link JobTimeoutError}. If the handler does not settle within the same time again, or within a second if
   * `timeoutMs` is longer, the delivery fails without the handler, and its later outcome is ignored.
   * @default the time is not limited
   */
  readonly timeoutMs?: number;
  /**
   * Called after a message is handled and removed. `result` is the result of the handler. At most one consumer
   * of a message calls `onDone`, `onDead` or `onExpired`. If the process dies after the removal, `onDone` is not
   * called. An error of `onDone` is reported.
   */
  readonly onDone?: (message: Message, delivery: JobDelivery, result: unknown) => unknown;
  /**
   * Called before a message moves to the dead letters. `error` is the last error of the handler, or
   * states that workers died. If `onDead` returns a promise, the message moves once the promise has settled.
   * An error of `onDead` is reported. If the process dies before the move, `onDead` may be called again.
   */
  readonly onDead?: (message: Message, delivery: JobDelivery, error: unknown) => unknown;
  /**
   * Called before a message is removed because it waited for longer than
   * {@link ChannelLayerOptions.queueExpiryMs}. If `onExpired` returns a promise, the message is removed once
   * the promise has settled. An error of `onExpired` is reported. If the process dies before the removal,
   * `onExpired` may be called again.
   */
  readonly onExpired?: (message: Message, delivery: JobDelivery, error: JobExpiredError) => unknown;
}

/** Handles one message of a named channel. If the returned promise rejects, the message is retried. */
export type JobHandler<T> = (message: T, delivery: JobDelivery) => unknown;
