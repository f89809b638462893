/** How much one connection may take, and for how long. */
export interface Limits {
  /** Milliseconds for the guards and `connect` together, up to `accept`. @default 15_000 */
  readonly connectTimeoutMs: number;
  /** Milliseconds that a running handler, and then `disconnect`, get when a connection is on its way out. @default 5_000 */
  readonly handlerGraceMs: number;
  /** Milliseconds for the other side to answer a close frame before its socket is cut. @default 5_000 */
  readonly closeTimeoutMs: number;
  /** Bytes of the largest frame a client may send; a larger one closes with 1009. @default 65_536 */
  readonly maxPayload: number;
  /** Bytes that may wait for a client that reads too slowly before it is closed with 3008. @default 1_048_576 */
  readonly maxLagBytes: number;
  /** Messages of layers that may wait for one actor before it is closed with 1013. @default 1_000 */
  readonly mailboxCapacity: number;
  /** Frames that may wait for one actor before its client's socket is paused. @default 100 */
  readonly frameMark: number;
}

export const defaultLimits: Limits = {
  connectTimeoutMs: 15_000,
  handlerGraceMs: 5_000,
  closeTimeoutMs: 5_000,
  maxPayload: 65_536,
  maxLagBytes: 1_048_576,
  mailboxCapacity: 1_000,
  frameMark: 100,
};
