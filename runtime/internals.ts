import type { PlainAnswer } from "./http-response.ts";
import type { Router } from "./routes/router.ts";
import type { RuntimeContext } from "./runtime-context.ts";
import type { Admission } from "./upgrade/admission.ts";

/** The key of a runtime's internal objects, for the testing kit and the inspector. */
export const internals = Symbol("internals");

/** Marks a consumer class that only belongs to a page. The inspector does not list it. */
export const hiddenConsumer = Symbol("hiddenConsumer");

export interface Internals {
  readonly context: RuntimeContext;
  readonly admission: Admission;
  readonly router: Router;
  /** The answers to plain requests, by path. Guards do not apply to these paths. */
  readonly files: Map<string, PlainAnswer>;
}
