import { ExpectationError } from "./expectation-error.ts";

/** Units: milliseconds of the real clock, whatever clock the runtime has. */
export interface Patient {
  /** @default 1_000 */
  readonly timeoutMs?: number;
}

// Kept from before a spec may have put a clock of its own in their place.
const { setTimeout, clearTimeout } = globalThis;

/**
 * Waits for `work`, on the real clock. What is waited for is left as it is when the time has passed.
 *
 * @throws {ExpectationError} with what `explain` then says.
 */
export async function patiently<T>(
  work: PromiseLike<T>,
  { timeoutMs = 1_000 }: Patient,
  explain: (timeoutMs: number) => string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ExpectationError(explain(timeoutMs))), timeoutMs);
  });
  try {
    return await Promise.race([work, passed]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets time pass on the real clock. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
