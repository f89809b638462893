import type { RunningProcess } from "../../support/child-process.ts";

/** Resolves like `waiting`. Rejects if the program ends first, because the spec would wait in vain. */
export function whileRunning<T>(program: RunningProcess, waiting: Promise<T>): Promise<T> {
  const ended = program.exited.then(([code, signal]): never => {
    throw new Error(`The program ended: ${code ?? signal}`);
  });
  return Promise.race([waiting, ended]);
}
