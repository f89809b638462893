import type { PlainAnswer } from "./http-response.ts";
import type { RuntimeContext } from "./runtime-context.ts";
import type { Admission } from "./upgrade/admission.ts";
import type { Router } from "./upgrade/router.ts";

/** The key under which the testing kit and the inspector reach into a runtime. */
export const internals = Symbol("internals");

export interface Internals {
  readonly context: RuntimeContext;
  readonly admission: Admission;
  readonly router: Router;
  /** Answers to plain requests, by path, without guards. */
  readonly files: Map<string, PlainAnswer>;
}
