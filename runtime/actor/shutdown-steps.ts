import type { Clock } from "../../layers/clock.ts";
import { Deadline, within } from "../deadline.ts";
import { HandlerTimeoutError } from "../errors.ts";
import { isPromise } from "../mailbox/mailbox.ts";
import type { FlushScheduler } from "../socket/flush-scheduler.ts";

/** Waits for an actor's last work, one part after the other, but for none of them long. */
export class ShutdownSteps {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #report: (error: unknown, stage: string) => void;
  #current: Deadline | undefined;
  #isOver = false;

  constructor(clock: Clock, graceMs: number, report: (error: unknown, stage: string) => void) {
    this.#clock = clock;
    this.#graceMs = graceMs;
    this.#report = report;
  }

  /**
   * Resolves once `work` is done, has failed, or has taken too long; those two are reported. Undefined if it is done at
   * once: waiting for nothing costs as much as the rest of an actor's end.
   *
   * @param turn of which the time begins at the end, for what is mostly done by then
   */
  with(
    stage: string,
    work: () => PromiseLike<void> | void,
    turn?: FlushScheduler,
  ): Promise<void> | undefined {
    try {
      const working = work();
      return isPromise(working) ? this.#wait(stage, working, turn) : undefined;
    } catch (error) {
      this.#report(error, stage);
      return undefined;
    }
  }

  async #wait(stage: string, working: PromiseLike<void>, turn: FlushScheduler | undefined): Promise<void> {
    try {
      this.#current = new Deadline(this.#clock, this.#isOver ? 0 : this.#graceMs, turn);
      if (await within(this.#current, working)) return;
      throw new HandlerTimeoutError(`${stage} had not settled when the connection had to go.`);
    } catch (error) {
      this.#report(error, stage);
    }
  }

  /** Waits for nothing any more. */
  end(): void {
    this.#isOver = true;
    this.#current?.pass();
  }
}
