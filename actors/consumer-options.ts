/** The effect of a consumer's failure on its actor. */
export type Directive = "stop" | "resume" | "restart";

/** The supervision of a consumer. Every failure is also reported to the runtime's `onError`. */
export interface Supervision {
  /**
   * - `stop`: the connection closes with 1011.
   * - `resume`: the failed frame or message is skipped; the consumer continues as it is.
   * - `restart`: a new consumer takes over the connection. Groups and waiting messages are kept; `restarted`
   *   is called instead of `connect`.
   *
   * A function decides by the error and the stage that threw it: `"receive"`, `"message <type>"`, `"onGap"`,
   * `"onOverflow"`, `"async"` for a timer or an unawaited promise… A failure before `connect` has settled
   * always stops the actor, and so does a function that throws.
   * @default "stop"
   */
  readonly onFailure?: Directive | ((error: unknown, stage: string) => Directive);
  /** The failures tolerated within `withinMs`; one more stops the actor. @default 10 */
  readonly maxFailures?: number;
  /** Milliseconds. @default 60_000 */
  readonly withinMs?: number;
  /**
   * The pause before a restart, in milliseconds. It doubles with each further failure within `withinMs`, up
   * to ten seconds. Frames and messages wait meanwhile.
   * @default 100
   */
  readonly backoffMs?: number;
}

/** The policy for a message that arrives when the mailbox is full. */
export type OverflowPolicy = "close" | "drop-oldest" | "drop-newest";

/** The mailbox of each actor of a consumer class. */
export interface MailboxOptions {
  /** The number of layer messages that may wait. @default the runtime's `mailboxCapacity` */
  readonly capacity?: number;
  /**
   * The policy for one more message: close the connection with 1013, or drop the oldest message or the new
   * one. Dropped messages count as `overflow`; `onOverflow` is called once, in their place.
   * @default "close"
   */
  readonly overflow?: OverflowPolicy;
}

/** Reports that messages were dropped at this place, because the mailbox was full. */
export interface Overflow {
  /** The number of dropped messages. */
  readonly dropped: number;
}

/** The policy for a client that reads too slowly. */
export type LagPolicy = "close" | "drop-oldest";

/** The write buffer of each client of a consumer class. */
export interface OutboxOptions {
  /** Bytes that may wait. @default the runtime's `maxLagBytes` */
  readonly maxLagBytes?: number;
  /**
   * Milliseconds for which a client may read nothing while bytes wait. Applies to the policy `close` only.
   * @default the runtime's `maxLagMs`
   */
  readonly maxLagMs?: number;
  /**
   * The policy beyond the limits: close the connection with 3008, or, for clients that only need the latest
   * frames, drop the oldest frames, all of one turn of the event loop at a time. Both are counted as `slow`.
   * @default "close"
   */
  readonly overflow?: LagPolicy;
}
