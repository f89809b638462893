import { pauses } from "../../support/waiting.ts";

/** Polls until `holds` returns true, for conditions without an event. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const pause = pauses(2);
  while (!(await holds())) await pause();
}

/** Repeats `call` until it resolves: its deadline may pass while this process is stopped. */
export function untilResolved(call: () => Promise<unknown>): Promise<void> {
  return until(() =>
    call().then(
      () => true,
      () => false,
    ),
  );
}
