import { stackOf, textOf } from "./errors.ts";

/** Hears of failures that no caller awaits. `stage` says where it happened: `"layer"`, `"receive"`, `"disconnect"`… */
export type ErrorListener = (
  error: unknown,
  where: { readonly stage: string; readonly [fact: string]: unknown },
) => void;

/** @see createReporter */
export interface ReporterOptions {
  /** How long after a warning the next one may follow. @default 5000 */
  readonly intervalMs?: number;
  /** A clock in milliseconds that never runs backwards. @default performance.now */
  readonly now?: () => number;
}

/**
 * Gives a function that passes on failures which no caller awaits, and that never throws itself.
 *
 * `listener` is asked each time, so that it may be set later. Where it gives none, failures become Node warnings, one
 * per `intervalMs` at most: the first at once, and a later one says how many were left out. A listener that throws or
 * rejects is a warning too, never an exception of whoever reported.
 *
 * @example
 * const report = createReporter(() => layer.onError);
 * report(error, { stage: "layer", group: "room_general" });
 */
export function createReporter(
  listener: () => ErrorListener | undefined,
  { intervalMs = 5_000, now = () => performance.now() }: ReporterOptions = {},
): ErrorListener {
  let nextAt = Number.NEGATIVE_INFINITY;
  let leftOut = 0;

  function warn(error: unknown, stage: string): void {
    if (now() < nextAt) {
      leftOut += 1;
      return;
    }
    const more = leftOut > 0 ? ` (${leftOut} more since the last warning)` : "";
    nextAt = now() + intervalMs;
    leftOut = 0;
    const detail = stackOf(error);
    process.emitWarning(`${stage}: ${textOf(error)}${more}`, {
      type: "GreenroomWarning",
      ...(detail !== undefined && { detail }),
    });
  }

  return (error, where) => {
    const listen = listener();
    if (listen === undefined) {
      warn(error, where.stage);
      return;
    }
    try {
      // An async function is a listener too, as far as types can tell.
      const outcome: unknown = listen(error, where);
      if (outcome instanceof Promise) outcome.catch((failure: unknown) => warn(failure, "onError"));
    } catch (failure) {
      warn(failure, "onError");
    }
  };
}
