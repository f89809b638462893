import { pauses } from "../../support/waiting.ts";

/** Resolves once `holds` does, for what tells nobody when it changes. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const pause = pauses(2);
  while (!(await holds())) await pause();
}
