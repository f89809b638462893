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
