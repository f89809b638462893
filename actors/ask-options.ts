/** Options of an ask. */
export interface AskOptions {
  /** The time limit for the reply, in milliseconds. @default 5_000 */
  readonly timeoutMs?: number;
}
