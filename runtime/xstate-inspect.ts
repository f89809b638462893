import { type InspectionEvent, type Observer, toObserver } from "xstate";
import { runUnowned } from "./async-error-owner.ts";
import type { Report } from "./inspection-hooks.ts";

/** Receives the events of XState's inspection protocol. */
export type Inspect = Observer<InspectionEvent> | ((event: InspectionEvent) => void);

/** Adapts `inspect` for XState: calls it without an error owner, and reports the errors that it throws. */
export function inspectionObserver(inspect: Inspect, report: Report): Observer<InspectionEvent> {
  const { next } = toObserver(inspect as Observer<InspectionEvent>);
  const fail = (error: unknown) => report(error, { stage: "inspect" });
  return {
    next: (event) =>
      runUnowned(() => {
        try {
          // The type of `next` allows an async function.
          const outcome: unknown = next?.(event);
          if (outcome instanceof Promise) outcome.catch(fail);
        } catch (error) {
          fail(error);
        }
      }),
  };
}
