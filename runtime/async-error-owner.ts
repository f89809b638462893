import { type ErrorOwner, runUnowned } from "../layers/async-errors.ts";
import type { Observed, Report } from "./inspection-hooks.ts";

export {
  callOwned,
  type ErrorOwner,
  isOwnedBy,
  isPromise,
  isRunningFor,
  runOwned,
  runUnowned,
  toPromise,
  watchAsyncErrors,
} from "../layers/async-errors.ts";

/** Receives the uncaught errors of an actor or worker. */
export class AsyncErrorOwner implements ErrorOwner {
  /** Undefined for a worker. Unset when the actor ends, because timers must not keep the actor in memory. */
  actor: (Pick<Observed, "machine"> & { failed(error: unknown, stage: string): void }) | undefined;
  readonly #consumer: string;
  readonly #path: string;
  readonly #report: Report;

  constructor(actor: AsyncErrorOwner["actor"], consumer: string, path: string, report: Report) {
    this.actor = actor;
    this.#consumer = consumer;
    this.#path = path;
    this.#report = report;
  }

  onAsyncError(error: unknown): void {
    if (this.actor === undefined) this.report(error, "async");
    else runUnowned(() => this.actor?.failed(error, "async"));
  }

  /** Returns an owner for a callback whose errors do not fail the actor. They are reported with `stage`. */
  forStage(stage: string): ErrorOwner {
    return { onAsyncError: (error) => this.report(error, stage) };
  }

  report(error: unknown, stage: string): void {
    this.#report(error, { stage, consumer: this.#consumer, path: this.#path }, this.actor);
  }
}
