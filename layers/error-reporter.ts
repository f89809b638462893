import { stackOf, textOf } from "./errors.ts";

/** Receives failures that no caller awaits. `stage` names the operation, such as `"layer"` or `"receive"`. */
export type ErrorListener = (
  error: unknown,
  where: { readonly stage: string; readonly [fact: string]: unknown },
) => void;

export interface ReporterOptions {
  /** The minimum time between two warnings, in milliseconds. @default 5000 */
  readonly intervalMs?: number;
  /** A clock in milliseconds that never runs backwards. @default performance.now */
  readonly now?: () => number;
}

/**
 * Returns a function that passes failures to an error listener, and never throws. At each failure, `listener`
 * returns the current error listener. If that error listener is missing or fails, the function emits a Node
 * warning, at most one per `intervalMs`, and counts the failures between two warnings.
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
      // The type `ErrorListener` also permits an async function.
      const outcome: unknown = listen(error, where);
      if (outcome instanceof Promise) outcome.catch((failure: unknown) => warn(failure, "onError"));
    } catch (failure) {
      warn(failure, "onError");
    }
  };
}
