/** The effect of a consumer's failure on its actor. */
export type Directive = "stop" | "resume" | "restart";

/** The supervision of a consumer. Every failure is also reported to the runtime's `onError`. */
export interface Supervision {
  /**
   * - `stop`: the connection closes with 1011.
   * - `resume`: the consumer skips the frame or message that failed, and keeps its state.
   * - `restart`: a new consumer replaces the failed one on the same connection. Groups and waiting messages
   *   are kept. The runtime calls `restarted` instead of `connect`.
   *
   * A function returns the directive for one error. `stage` names the code that failed: `"receive"`,
   * `"message <type>"`, `"onGap"`, `"onOverflow"`, `"async"` (a timer or unawaited promise) and others. The
   * actor stops if the function throws, and always after a failure before `connect` has settled.
   * @default "stop"
   */
  readonly onFailure?: Directive | ((error: unknown, stage: string) => Directive);
  /** The number of failures allowed within `withinMs`. One more stops the actor. @default 10 */
  readonly maxFailures?: number;
  /** The period in which failures are counted, in milliseconds. @default 60_000 */
  readonly withinMs?: number;
  /**
   * The pause before a restart, in milliseconds. It doubles with each further failure within `withinMs`, up
   * to ten seconds. Frames and messages wait during the pause.
   * @default 100
   */
  readonly backoffMs?: number;
}

/** The policy for a message that arrives when the mailbox is full. */
export type OverflowPolicy = "close" | "drop-oldest" | "drop-newest";

/** The mailbox of each actor of a consumer class. */
export interface MailboxOptions {
  /** The maximum number of waiting layer messages. @default the runtime's `mailboxCapacity` */
  readonly capacity?: number;
  /**
   * When the mailbox is full, `close` closes the connection with 1013, `drop-oldest` drops the oldest waiting
   * message, and `drop-newest` drops the new one. Dropped messages are counted as `overflow`. `onOverflow` is
   * called once in place of consecutive dropped messages.
   * @default "close"
   */
  readonly overflow?: OverflowPolicy;
}

/** A notice of consecutive messages that were dropped, because the mailbox was full. */
export interface Overflow {
  readonly dropped: number;
}

/** The policy for a client that reads too slowly. */
export type LagPolicy = "close" | "drop-oldest";

/** The write buffer of each client of a consumer class. */
export interface OutboxOptions {
  /** The maximum number of bytes that may wait for the client. @default the runtime's `maxLagBytes` */
  readonly maxLagBytes?: number;
  /**
   * Milliseconds for which a client may read none of its waiting bytes. Applies only to the policy `close`.
   * @default the runtime's `maxLagMs`
   */
  readonly maxLagMs?: number;
  /**
   * For a client that exceeds a limit, `close` closes the connection with 3008, and `drop-oldest` drops the
   * oldest waiting frames, for clients that need only the latest. Frames of one turn of the event loop are
   * dropped together. Dropped frames are counted as `slow`.
   * @default "close"
   */
  readonly overflow?: LagPolicy;
}
