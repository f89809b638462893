import type { Directive, Supervision } from "../../actors/index.ts";
import type { Clock } from "../../layers/clock.ts";
import { textOf } from "../../layers/errors.ts";
import { directives, isDirective } from "../consumer-settings.ts";
import { timeOf } from "../deadline.ts";
import { Fifo } from "../mailbox/fifo.ts";

/** The actor that is to recover. */
export interface Recoverable {
  readonly isLeaving: boolean;
  /** Ends the actor as one that failed. */
  stop(): void;
  /** Puts a fresh consumer in the place of the one that failed. Rejects if that fails, too. */
  renew(error: unknown): Promise<void>;
  /** Tells of a failure. */
  report(error: unknown, stage: string): void;
}

/** The longest pause before a restart, in milliseconds, unless the first is longer. */
const longestPauseMs = 10_000;

/** Decides what becomes of an actor that failed, by what its class says and how often that happened, and does it. */
export class Recovery {
  readonly #owner: Recoverable;
  readonly #supervision: Required<Supervision>;
  readonly #clock: Clock;
  /** When it failed, as far as that still counts. */
  readonly #failures = new Fifo<number>();
  #isRestarting = false;
  #endPause = () => {};

  constructor(owner: Recoverable, supervision: Required<Supervision>, clock: Clock) {
    this.#owner = owner;
    this.#supervision = supervision;
    this.#clock = clock;
  }

  /** @returns what has to be done before anything else is handled, if anything. It never rejects. */
  recover(error: unknown, stage: string): (() => Promise<void>) | undefined {
    // What the old consumer left behind may still fail while the new one is on its way.
    if (this.#isRestarting) return undefined;
    const directive = this.#decide(error, stage);
    if (directive === "stop") this.#owner.stop();
    return directive === "restart" ? () => this.#restart(error) : undefined;
  }

  /** The actor is leaving: nothing is waited for any more. */
  cancel(): void {
    this.#endPause();
  }

  #decide(error: unknown, stage: string): Directive {
    const { onFailure, maxFailures, withinMs } = this.#supervision;
    const now = timeOf(this.#clock);
    while ((this.#failures.first ?? now) <= now - withinMs) this.#failures.shift();
    this.#failures.push(now);
    if (this.#failures.size > maxFailures) return "stop";
    if (typeof onFailure !== "function") return onFailure;
    try {
      const directive: unknown = onFailure(error, stage);
      if (isDirective(directive)) return directive;
      // An async function is one too, as far as a program without types can tell.
      if (directive instanceof Promise) directive.catch(() => {});
      throw new TypeError(`onFailure returns one of ${directives.join(", ")}, not ${textOf(directive)}.`);
    } catch (failure) {
      this.#owner.report(failure, "supervision");
      return "stop";
    }
  }

  async #restart(first: unknown): Promise<void> {
    if (this.#isRestarting) return;
    this.#isRestarting = true;
    for (let error = first; ; ) {
      await this.#pause();
      if (this.#owner.isLeaving) break;
      try {
        await this.#owner.renew(error);
        break;
      } catch (failure) {
        this.#owner.report(failure, "restarted");
        error = failure;
      }
      if (this.#decide(error, "restarted") === "stop") {
        this.#owner.stop();
        break;
      }
    }
    this.#isRestarting = false;
  }

  #pause(): Promise<void> {
    const { backoffMs } = this.#supervision;
    const ms = Math.min(backoffMs * 2 ** (this.#failures.size - 1), Math.max(longestPauseMs, backoffMs));
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(() => resolve(), ms);
      this.#endPause = () => {
        this.#clock.clearTimeout(timer);
        resolve();
      };
    });
  }
}
