import type { Admission } from "./admission.ts";
import type { Environment } from "./environment.ts";
import type { PlainAnswer } from "./http-answer.ts";
import type { Router } from "./router.ts";

/** How the testing kit and the inspector reach into a runtime. */
export const internals = Symbol("internals");

/** What it takes to run an actor without a socket, to see when all is quiet, and to look at whatever is there. */
export interface Internals {
  readonly environment: Environment;
  readonly admission: Admission;
  readonly router: Router;
  /** What is served at paths that have no socket, whoever asks. */
  readonly files: Map<string, PlainAnswer>;
}
