/** What becomes of an actor whose consumer failed. */
export type Directive = "stop" | "resume" | "restart";

/** What a failure in a consumer does to its actor. Each is reported to the runtime's `onError` in any case. */
export interface Supervision {
  /**
   * - `stop`: the connection is closed with 1011.
   * - `resume`: what was being handled is skipped; the consumer goes on as it is.
   * - `restart`: a fresh consumer takes over in the same connection: groups and what waits are kept, `connect` is not
   *   repeated, `restarted` is called.
   *
   * A function decides by the error and by where it was thrown: `"receive"`, `"message <type>"`, `"onGap"`,
   * `"onOverflow"`, `"stray"` for a timer or a promise that nobody awaits… What fails before `connect` has settled
   * always stops the actor, and so does a function that throws.
   * @default "stop"
   */
  readonly onFailure?: Directive | ((error: unknown, stage: string) => Directive);
  /** How many failures within `withinMs` are survived; one more stops the actor. @default 10 */
  readonly maxFailures?: number;
  /** Milliseconds. @default 60_000 */
  readonly withinMs?: number;
  /**
   * The pause before a restart, in milliseconds; it doubles with each further failure within `withinMs`, up to ten
   * seconds. What comes in meanwhile waits.
   * @default 100
   */
  readonly backoffMs?: number;
}

/** What becomes of a message that comes while as many wait as may. */
export type OverflowPolicy = "close" | "drop-oldest" | "drop-newest";

/** How much waits for an actor of a consumer class. */
export interface MailboxOptions {
  /** How many messages of layers may wait. @default the runtime's `mailboxCapacity` */
  readonly capacity?: number;
  /**
   * What happens to one more: the connection is closed with 1013, or the message that has waited longest, or the new
   * one, is dropped and counted as `overflow`. Who drops is told once by `onOverflow`, in its place among the messages.
   * @default "close"
   */
  readonly overflow?: OverflowPolicy;
}

/** Word that messages were dropped just here, since too many waited. */
export interface Overflow {
  /** How many. */
  readonly dropped: number;
}

/** What becomes of what waits for a client that reads too slowly. */
export type LagPolicy = "close" | "drop-oldest";

/** How much waits for the clients of a consumer class. */
export interface OutboxOptions {
  /** Bytes that may wait. @default the runtime's `maxLagBytes` */
  readonly maxLagBytes?: number;
  /** Milliseconds for which a client may take nothing of what waits. Only where it is closed for that. @default the runtime's `maxLagMs` */
  readonly maxLagMs?: number;
  /**
   * What happens beyond that: the connection is closed with 3008; or, for clients that only want to know what is new, the frames
   * that have waited longest are dropped, all of one turn of the event loop at a time. Both are counted as `slow`.
   * @default "close"
   */
  readonly overflow?: LagPolicy;
}
