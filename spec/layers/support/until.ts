import { pauses } from "../../support/waiting.ts";

/** Polls until `holds` returns true, for conditions without an event. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const pause = pauses(2);
  while (!(await holds())) await pause();
}
