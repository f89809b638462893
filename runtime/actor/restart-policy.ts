import type { Directive, Supervision } from "../../actors/index.ts";
import type { Clock } from "../../layers/clock.ts";
import { textOf } from "../../layers/errors.ts";
import { Fifo } from "../../layers/fifo.ts";
import { pause } from "../../layers/retry.ts";
import { type AsyncErrorOwner, runOwned } from "../async-error-owner.ts";
import { directives, isDirective } from "../consumer-settings.ts";
import { timeOf } from "../deadline.ts";

export interface Restartable {
  readonly errorOwner: AsyncErrorOwner;
  readonly isLeaving: boolean;
  /** Closes the connection, because of `error`. */
  stop(error: unknown): void;
  /** Replaces the consumer with a new instance. Rejects if the new instance fails to start. */
  restart(error: unknown): Promise<void>;
}

/** Maximum pause before a restart, in milliseconds, unless `backoffMs` is longer. */
const maxBackoffMs = 10_000;

/** Stops, resumes or restarts a failed actor, depending on its class's supervision and recent failures. */
export class RestartPolicy {
  readonly #actor: Restartable;
  readonly #supervision: Required<Supervision>;
  readonly #clock: Clock;
  readonly #failures = new Fifo<number>();
  readonly #cancelled = new AbortController();
  #isRestarting = false;

  constructor(actor: Restartable, supervision: Required<Supervision>, clock: Clock) {
    this.#actor = actor;
    this.#supervision = supervision;
    this.#clock = clock;
  }

  /** A returned function restarts the consumer, and never rejects. Call it before the mailbox's next item. */
  onFailure(error: unknown, stage: string): (() => Promise<void>) | undefined {
    // While the new consumer starts, failures of the old consumer's timers and promises are ignored.
    if (this.#isRestarting) return undefined;
    const directive = this.#decide(error, stage);
    if (directive === "stop") this.#actor.stop(error);
    return directive === "restart" ? () => this.#restart(error) : undefined;
  }

  /** Called when the actor leaves. Ends a pause before a restart. */
  cancel(): void {
    this.#cancelled.abort();
  }

  #decide(error: unknown, stage: string): Directive {
    const { onFailure, maxFailures, withinMs } = this.#supervision;
    const now = timeOf(this.#clock);
    while ((this.#failures.first ?? now) <= now - withinMs) this.#failures.shift();
    this.#failures.push(now);
    if (this.#failures.size > maxFailures) return "stop";
    if (typeof onFailure !== "function") return onFailure;
    try {
      const owner = this.#actor.errorOwner.forStage("supervision");
      const directive: unknown = runOwned(owner, onFailure, error, stage);
      if (isDirective(directive)) return directive;
      // In untyped code, `onFailure` may be an async function.
      if (directive instanceof Promise) directive.catch(() => {});
      throw new TypeError(`onFailure must return one of ${directives.join(", ")}, not ${textOf(directive)}.`);
    } catch (failure) {
      this.#actor.errorOwner.report(failure, "supervision");
      return "stop";
    }
  }

  async #restart(first: unknown): Promise<void> {
    if (this.#isRestarting) return;
    this.#isRestarting = true;
    for (let error = first; ; ) {
      await pause(this.#backoffMs, this.#clock, this.#cancelled.signal);
      if (this.#actor.isLeaving) break;
      try {
        await this.#actor.restart(error);
        break;
      } catch (failure) {
        this.#actor.errorOwner.report(failure, "restarted");
        error = failure;
      }
      if (this.#decide(error, "restarted") === "stop") {
        this.#actor.stop(error);
        break;
      }
    }
    this.#isRestarting = false;
  }

  get #backoffMs(): number {
    const { backoffMs } = this.#supervision;
    return Math.min(backoffMs * 2 ** (this.#failures.size - 1), Math.max(maxBackoffMs, backoffMs));
  }
}
