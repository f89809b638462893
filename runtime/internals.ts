import type { PlainAnswer } from "./http-response.ts";
import type { RuntimeContext } from "./runtime-context.ts";
import type { Admission } from "./upgrade/admission.ts";
import type { Router } from "./upgrade/router.ts";

/** How the testing kit and the inspector reach into a runtime. */
export const internals = Symbol("internals");

/** What it takes to run an actor without a socket, to see when all is quiet, and to look at whatever is there. */
export interface Internals {
  readonly context: RuntimeContext;
  readonly admission: Admission;
  readonly router: Router;
  /** What is served at paths that have no socket, whoever asks. */
  readonly files: Map<string, PlainAnswer>;
}
