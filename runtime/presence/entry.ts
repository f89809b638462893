/** The presence of one actor in a group. */
export interface Entry {
  /** Identifies the entry on the actor's node. */
  readonly ref: number;
  readonly group: string;
  readonly key: string;
  readonly meta: unknown;
  /** Time in milliseconds for which the entry stays after the end of its actor. */
  readonly graceMs: number;
}
