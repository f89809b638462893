import { memoryOf } from "../limits/memory-of.ts";

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

/** The estimated memory of an entry without its texts and its meta, in the replica and in the view. */
const entryBytes = 1_000;

/** Returns the bytes of memory that an entry takes, estimated. The result is always the same for one entry. */
export const memoryOfEntry = ({ group, key, meta }: Entry): number =>
  entryBytes + group.length + 2 * key.length + memoryOf(meta);
