import type { Clock } from "../../clock.ts";
import { asError } from "../../errors.ts";
import { retry } from "../../retry.ts";
import { isRefusal } from "../connection/redis-connection.ts";

/** The longest pause between attempts to report the outcome of a job. */
const maxPauseMs = 1_600;

/** Reports the outcomes of jobs to the server, and retries each report until the server accepts it. */
export class OutcomeReports {
  readonly #clock: Clock;
  readonly #onError: (error: Error) => void;
  /** The server's latest refusal of each report that is being retried. The key is the report function. */
  readonly #refusals = new Map<object, Error>();
  readonly #givingUp = new AbortController();

  constructor(clock: Clock, onError: (error: Error) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  /** The server's refusal of a report that is being retried. */
  get refusal(): Error | undefined {
    const [refusal] = this.#refusals.values();
    return refusal;
  }

  /** Resolves to the reply, or to undefined if reports are given up. The job is then delivered again. */
  async send<T>(report: () => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#givingUp;
    const onFailure = (error: unknown) => {
      // The connection itself reports outages, but not refusals.
      if (signal.aborted || !isRefusal(error)) return;
      if (this.#refusals.size === 0) this.#onError(asError(error));
      this.#refusals.set(report, asError(error));
    };
    try {
      return await retry(report, { clock: this.#clock, signal, maxPauseMs, onFailure });
    } catch (error) {
      this.#onError(asError(error));
      return undefined;
    } finally {
      this.#refusals.delete(report);
    }
  }

  /** Ends the retries, because closing takes too long. */
  giveUp(): void {
    this.#givingUp.abort();
  }
}
