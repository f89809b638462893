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
