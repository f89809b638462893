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
