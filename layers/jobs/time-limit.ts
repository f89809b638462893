import type { HandlerLimit } from "../backend.ts";
import { systemClock } from "../clock.ts";
import { Deferred } from "../deferred.ts";
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
 * The time limit of one attempt at a job. After `timeoutMs`, the signal is aborted with a `JobTimeoutError`.
 * The handler then has as much time again, but at most a second, to settle. After this time, the attempt ends
 * without the handler.
 */
export class TimeLimit implements HandlerLimit {
  /** The signal for the handler. Aborted when the given signal is aborted, or after the time limit. */
  readonly signal: AbortSignal;
  readonly #options: TimeLimitOptions;
  readonly #passing = new AbortController();
  readonly #ending = new AbortController();
  readonly #lifting = new Deferred();

  /** @param given aborted when the handler should stop for other reasons. */
  constructor(given: AbortSignal, options: TimeLimitOptions) {
    this.#options = options;
    this.signal = AbortSignal.any([given, this.#passing.signal]);
  }

  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  lift(): void {
    this.#lifting.resolve();
  }

  /**
   * Calls `work`, and settles like its promise.
   * @throws {JobTimeoutError} if the promise does not settle, or rejects because the time limit has passed.
   */
  async run(work: () => Promise<unknown>): Promise<unknown> {
    const { signal } = this.#passing;
    try {
      return await this.#limited(work());
    } catch (error) {
      throw isAbort(error, signal) ? signal.reason : error;
    }
  }

  async #limited(working: Promise<unknown>): Promise<unknown> {
    const { timeoutMs } = this.#options;
    const handled = Promise.race([working, this.#lifting.promise]);
    try {
      await withTimeout(handled, timeoutMs, systemClock, () => this.#pass());
    } catch (error) {
      if (!this.#isTimeout(error)) throw error;
      await withTimeout(handled, Math.min(timeoutMs, maxGraceMs), systemClock, () => this.#end(working));
    }
    return working;
  }

  #pass(): JobTimeoutError {
    const { channel, timeoutMs } = this.#options;
    const error = new JobTimeoutError(
      `The handler of a job of "${channel}" took longer than ${timeoutMs} ms (\`timeoutMs\`).`,
    );
    this.#passing.abort(error);
    return error;
  }

  #end(working: Promise<unknown>): Error {
    const { onLate } = this.#options;
    this.#ending.abort();
    working.then(() => onLate(undefined), onLate);
    return this.#passing.signal.reason;
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
