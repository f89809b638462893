import type { Admission } from "./admission.ts";
import type { Environment } from "./environment.ts";

/** How the testing kit reaches into a runtime. */
export const internals = Symbol("internals");

/** What the testing kit needs to run an actor without a socket, and to see when all is quiet. */
export interface Internals {
  readonly environment: Environment;
  readonly admission: Admission;
}
