import { type ErrorOwner, runOwned } from "./async-errors.ts";
import { stackOf, textOf } from "./errors.ts";
import { escapeControls } from "./escape-controls.ts";

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

/** Owns a callback of the application: reports its later errors, and the facts `where` with each of them. */
export class CallbackOwner implements ErrorOwner {
  readonly #report: ErrorListener;
  readonly #where: Parameters<ErrorListener>[1];

  constructor(report: ErrorListener, where: Parameters<ErrorListener>[1]) {
    this.#report = report;
    this.#where = where;
  }

  onAsyncError(error: unknown): void {
    this.#report(error, this.#where);
  }
}

/**
 * Returns a function that passes failures to an error listener, and never throws. At each failure, `listener`
 * returns the current error listener. If that error listener is missing or fails, now or in a timer or promise
 * that it leaves behind, the function emits a Node warning, at most one per `intervalMs`, and counts the
 * failures between two warnings. Control characters in the warning are escaped, because clients cause errors.
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
    process.emitWarning(escapeControls(`${stage}: ${textOf(error)}${more}`), {
      type: "GreenroomWarning",
      ...(detail !== undefined && { detail }),
    });
  }

  const owner: ErrorOwner = { onAsyncError: (failure) => warn(failure, "onError") };

  return (error, where) => {
    const listen = listener();
    if (listen === undefined) {
      warn(error, where.stage);
      return;
    }
    try {
      // The type `ErrorListener` also permits an async function.
      const outcome: unknown = runOwned(owner, listen, error, where);
      if (outcome instanceof Promise) outcome.catch(owner.onAsyncError);
    } catch (failure) {
      warn(failure, "onError");
    }
  };
}
