import { type InspectionEvent, type Observer, toObserver } from "xstate";
import { CallbackOwner } from "../layers/error-reporter.ts";
import { runOwned } from "./async-error-owner.ts";
import type { Report } from "./inspection-hooks.ts";

/** Receives the events of XState's inspection protocol. */
export type Inspect = Observer<InspectionEvent> | ((event: InspectionEvent) => void);

/** Adapts `inspect` for XState: reports the errors that `inspect` throws, now or later. */
export function inspectionObserver(inspect: Inspect, report: Report): Observer<InspectionEvent> {
  const { next } = toObserver(inspect as Observer<InspectionEvent>);
  if (next === undefined) return {};
  const owner = new CallbackOwner(report, { stage: "inspect" });
  return {
    next(event) {
      try {
        // The type of `next` allows an async function.
        const outcome: unknown = runOwned(owner, next, event);
        if (outcome instanceof Promise) outcome.catch((error) => owner.onAsyncError(error));
      } catch (error) {
        owner.onAsyncError(error);
      }
    },
  };
}
