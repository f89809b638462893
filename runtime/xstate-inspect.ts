import { type InspectionEvent, type Observer, toObserver } from "xstate";
import { runUnowned } from "./async-error-owner.ts";
import type { Report } from "./inspection-hooks.ts";

/** Hears the events of XState's inspection protocol. */
export type Inspect = Observer<InspectionEvent> | ((event: InspectionEvent) => void);

/** `inspect` for XState: what it throws is reported, and what it leaves behind belongs to no actor. */
export function inspectionObserver(inspect: Inspect, report: Report): Observer<InspectionEvent> {
  const { next } = toObserver(inspect as Observer<InspectionEvent>);
  const fail = (error: unknown) => report(error, { stage: "inspect" });
  return {
    next: (event) =>
      runUnowned(() => {
        try {
          // An async function is a listener too, as far as types can tell.
          const outcome: unknown = next?.(event);
          if (outcome instanceof Promise) outcome.catch(fail);
        } catch (error) {
          fail(error);
        }
      }),
  };
}
