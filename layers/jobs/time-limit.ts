import { systemClock } from "../clock.ts";
import { JobTimeoutError } from "../errors.ts";
import { withTimeout } from "../with-timeout.ts";

/** The longest time for which a handler may clean up after its signal was aborted, in milliseconds. */
const maxGraceMs = 1_000;

export interface TimeLimitOptions {
  /** The name of the queue. */
  readonly channel: string;
  readonly timeoutMs: number;
  /** Called if the handler settles after its attempt has ended. `error` is undefined if it succeeded. */
  readonly onLate: (error: unknown) => void;
}

/**
 * The time limit of one attempt at a job. After `timeoutMs`, the signal is aborted with a `JobTimeoutError`. The
 * handler then has as much time again, but at most a second, to settle. After this time, the attempt ends
 * without the handler.
 */
export class TimeLimit {
  /** The signal for the handler. Aborted when the given signal is aborted, or after the time limit. */
  readonly signal: AbortSignal;
  readonly #options: TimeLimitOptions;
  readonly #passing = new AbortController();
  readonly #ending = new AbortController();

  /** @param given aborted when the handler should stop for other reasons. */
  constructor(given: AbortSignal, options: TimeLimitOptions) {
    this.#options = options;
    this.signal = AbortSignal.any([given, this.#passing.signal]);
  }

  /** Aborted when the attempt ends without the handler. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  /**
   * Calls `work`, and settles like its promise.
   * @throws {JobTimeoutError} if the promise does not settle, or rejects because the time limit has passed.
   */
  async run(work: () => Promise<void>): Promise<void> {
    const { timeoutMs } = this.#options;
    const working = work();
    try {
      await withTimeout(working, timeoutMs, systemClock, () => this.#pass());
    } catch (error) {
      if (!this.#isTimeout(error)) throw error;
      await this.#awaitCleanUp(working, Math.min(timeoutMs, maxGraceMs));
    }
  }

  async #awaitCleanUp(working: Promise<void>, graceMs: number): Promise<void> {
    const { onLate } = this.#options;
    const { signal } = this.#passing;
    try {
      await withTimeout(working, graceMs, systemClock, () => {
        this.#ending.abort();
        working.then(onLate, onLate);
        return signal.reason;
      });
    } catch (error) {
      throw isAbort(error, signal) ? signal.reason : error;
    }
  }

  #pass(): JobTimeoutError {
    const { channel, timeoutMs } = this.#options;
    const error = new JobTimeoutError(
      `The handler of a job of "${channel}" took longer than ${timeoutMs} ms (\`timeoutMs\`).`,
    );
    this.#passing.abort(error);
    return error;
  }

  #isTimeout(error: unknown): boolean {
    const { aborted, reason } = this.#passing.signal;
    return aborted && error === reason;
  }
}

/** Whether an abort caused `error`. Node's APIs reject with an `AbortError`, and `fetch` with `reason`. */
export function isAbort(error: unknown, { aborted, reason }: AbortSignal): boolean {
  return aborted && (error === reason || (error instanceof Error && error.name === "AbortError"));
}
