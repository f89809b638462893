import type { Counters } from "../counters.ts";
import { LimitError } from "../errors.ts";
import type { CountedLimit } from "./limits.ts";

/**
 * Counts that an actor has hit `limit`, and returns the error for its consumer. Its text may become the reason of a
 * close frame, so it is short, and holds nothing that a client has chosen.
 *
 * @param many the resource, such as `groups`.
 */
export function limitReached(
  counters: Counters,
  limit: CountedLimit,
  many: string,
  allowed: number,
): LimitError {
  counters.limit(limit);
  return new LimitError(limit, `Too many ${many}: the limit is ${allowed} (${limit})`);
}
