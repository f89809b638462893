import type { Clock } from "../../layers/clock.ts";
import { isPromise } from "../async-error-owner.ts";
import { Deadline } from "../deadline.ts";
import { HandlerTimeoutError } from "../errors.ts";
import type { FlushQueue } from "../scheduler/flush-queue.ts";

/** Runs the last steps of an actor, each within a time limit. */
export class ShutdownSteps {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #report: (error: unknown, stage: string) => void;
  #stage: string | undefined;
  #deadline: Deadline | undefined;
  #isAborted = false;

  /** @param graceMs the time limit of each step, in milliseconds. */
  constructor(clock: Clock, graceMs: number, report: (error: unknown, stage: string) => void) {
    this.#clock = clock;
    this.#graceMs = graceMs;
    this.#report = report;
  }

  /** The stage of the running step. */
  get stage(): string | undefined {
    return this.#stage;
  }

  /**
   * Runs `work`, and reports its failure or timeout. Returns undefined for synchronous work, so that the
   * caller can skip the await. An await would double the time that the end of an actor takes.
   * @param flushes if given, the time limit starts at the next flush of this queue. Work that ends before the
   *   flush needs no timer.
   */
  run(stage: string, work: () => PromiseLike<void> | void, flushes?: FlushQueue): Promise<void> | undefined {
    this.#stage = stage;
    try {
      const working = work();
      if (isPromise(working)) return this.#wait(stage, working, flushes);
    } catch (error) {
      this.#report(error, stage);
    }
    this.#stage = undefined;
    return undefined;
  }

  /** Stops waiting for the current step, and does not wait for later steps. */
  abort(): void {
    this.#isAborted = true;
    this.#deadline?.pass();
  }

  async #wait(stage: string, working: PromiseLike<void>, flushes?: FlushQueue): Promise<void> {
    const deadline = new Deadline(this.#clock, this.#isAborted ? 0 : this.#graceMs, flushes);
    this.#deadline = deadline;
    try {
      await new Promise<void>((resolve, reject) => {
        deadline.onPassed = () =>
          reject(
            new HandlerTimeoutError(
              `${stage} had not settled in time: the connection closes without waiting for it.`,
            ),
          );
        working.then(resolve, reject);
      });
    } catch (error) {
      this.#report(error, stage);
    } finally {
      deadline.cancel();
      this.#stage = undefined;
    }
  }
}
