/** The reaction of the runtime when a consumer fails. {@link Supervision} explains the values. */
export type Directive = "stop" | "resume" | "restart";

/** Decides what happens when a consumer fails. Every failure is also reported to the runtime's `onError`. */
export interface Supervision {
  /**
   * - `stop`: the connection closes with 1011.
   * - `resume`: the consumer skips the frame or message that failed, and keeps its state.
   * - `restart`: a new consumer replaces the failed consumer on the same connection. Groups and waiting
   *   messages are kept. The runtime calls `restarted` instead of `connect`.
   *
   * A function chooses one of these for each error. `stage` names the code that failed: `"receive"`,
   * `"message <type>"`, `"onGap"`, `"onOverflow"`, `"async"` (a timer or unawaited promise) and others. The
   * actor stops if the function throws. A failure before `connect` has settled always stops the actor.
   * @default "stop"
   */
  readonly onFailure?: Directive | ((error: unknown, stage: string) => Directive);
  /** The number of failures allowed within `withinMs`. The next failure stops the actor. @default 10 */
  readonly maxFailures?: number;
  /** The period in which failures are counted, in milliseconds. @default 60_000 */
  readonly withinMs?: number;
  /**
   * The pause before a restart, in milliseconds. Each further failure within `withinMs` doubles the pause, up
   * to ten seconds. Frames and messages wait during the pause.
   * @default 100
   */
  readonly backoffMs?: number;
}

/** The policy for a message that arrives when the mailbox is full. */
export type OverflowPolicy = "close" | "drop-oldest" | "drop-newest";

/** Options for the mailboxes of a consumer class. Each actor has its own mailbox. */
export interface MailboxOptions {
  /** The maximum number of waiting layer messages. @default the runtime's `mailboxCapacity` */
  readonly capacity?: number;
  /**
   * When the mailbox is full, `close` closes the connection with 1013, `drop-oldest` drops the oldest waiting
   * message, and `drop-newest` drops the new message. Dropped messages are counted as `overflow`. If
   * consecutive messages are dropped, `onOverflow` is called once in their place.
   * @default "close"
   */
  readonly overflow?: OverflowPolicy;
}

/**
 * Options for the sessions of a consumer class. A client of `greenroom/client` has a session: if its socket breaks,
 * the actor goes on, and the client resumes the session with another socket.
 */
export interface SessionOptions {
  /** Milliseconds that the actor waits for a client that is away, before the connection ends. @default 60_000 */
  readonly resumeMs?: number;
  /**
   * Maximum bytes of frames that are kept for the client until it acknowledges them. If a client that is away exceeds
   * it, the connection ends. If the client is connected, the oldest frames are no longer kept. @default 1_048_576
   */
  readonly maxBytes?: number;
  /** The same for the number of frames. @default 10_000 */
  readonly maxFrames?: number;
  /**
   * Whether relayed messages of groups are caught up if the node has died. The layer needs `history`.
   * @default false
   */
  readonly recover?: boolean;
}

/**
 * Limits of each connection of a consumer class, in the place of the runtime's. Each is an integer from 1 to
 * 2,147,483,647. A spawned actor has no socket, so the limits of frames and bytes do not apply to it.
 */
export interface ConnectionLimits {
  /**
   * Frames per second from the client, in the long run. One more closes the connection with 3490.
   * @default the runtime's `maxFramesPerSecond`
   */
  readonly framesPerSecond?: number;
  /** Frames from the client that may come at once. @default the runtime's `maxFrameBurst` */
  readonly frameBurst?: number;
  /**
   * Bytes per second from the client, in the long run. One more closes the connection with 3490.
   * @default the runtime's `maxBytesPerSecond`
   */
  readonly bytesPerSecond?: number;
  /** Bytes from the client that may come at once. @default the runtime's `maxByteBurst` */
  readonly byteBurst?: number;
  /** Groups that the actor may be in. @default the runtime's `maxGroupsPerConnection` */
  readonly groups?: number;
  /** Groups that the actor may be present in. @default the runtime's `maxPresencesPerConnection` */
  readonly presences?: number;
  /** Groups whose presence the actor may watch. @default the runtime's `maxWatchesPerConnection` */
  readonly watches?: number;
  /** Tags of the actor. @default the runtime's `maxTagsPerConnection` */
  readonly tags?: number;
  /** Jobs that the actor has submitted and that have not ended. @default the runtime's `maxJobsPerConnection` */
  readonly jobs?: number;
  /** Asks of the actor that are not answered yet. @default the runtime's `maxAsksPerConnection` */
  readonly asks?: number;
}

/** Tells how many consecutive messages were dropped because the mailbox was full. */
export interface Overflow {
  readonly dropped: number;
}

/** The policy for a client that reads too slowly. */
export type LagPolicy = "close" | "drop-oldest";

/** Options for the write buffers of a consumer class. Each client has its own buffer. */
export interface OutboxOptions {
  /** The maximum number of bytes that may wait for the client. @default the runtime's `maxLagBytes` */
  readonly maxLagBytes?: number;
  /**
   * The maximum time, in milliseconds, during which a client with waiting bytes makes no progress. Applies
   * only if `overflow` is `close`.
   * @default the runtime's `maxLagMs`
   */
  readonly maxLagMs?: number;
  /**
   * If a client exceeds a limit, `close` closes the connection with 3008, and `drop-oldest` drops the oldest
   * waiting frames. `drop-oldest` suits clients that need only the latest frames. Frames that were sent in
   * one turn of the event loop are dropped together. Dropped frames are counted as `slow`.
   * @default "close"
   */
  readonly overflow?: LagPolicy;
}
