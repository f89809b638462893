import { DeadlockError } from "./errors.ts";

/** Returns whether a handler still runs. */
export type IsRunning = () => boolean;

/**
 * Returns `end`, which waits for the handler of `isRunning`. If that handler calls this function and still
 * runs after a turn of the event loop, it seems to await the result, so the returned promise rejects. If the
 * handler does not await the promise, nothing else happens.
 *
 * @param isRunning undefined unless the handler that `end` waits for is the caller
 * @param advice the text of the error after "A handler awaits its own end: "
 */
export function rejectIfAwaitedInside<T>(
  end: Promise<T>,
  isRunning: IsRunning | undefined,
  advice: string,
): Promise<T> {
  if (isRunning === undefined) return end;
  // Handles a rejection before the turn has passed. The caller gets it from `outcome`.
  end.catch(() => {});
  const turn = new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
  const outcome = turn.then(() => {
    if (isRunning()) throw new DeadlockError(`A handler awaits its own end: ${advice}`);
    return end;
  });
  // Without this, a promise that the caller does not await would be an unhandled rejection.
  outcome.catch(() => {});
  return outcome;
}
