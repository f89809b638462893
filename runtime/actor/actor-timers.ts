import type { Timers } from "../../actors/consumer-context.ts";
import { checkInteger, maxDelayMs } from "../../layers/check-integer.ts";
import type { Clock } from "../../layers/clock.ts";
import { TooManyTimersError } from "../errors.ts";
import type { TimerCall } from "../mailbox/message-backlog.ts";

/** The maximum number of running timers of one consumer. */
export const maxTimers = 1_000;

interface TimerInbox {
  enqueueTimer(call: TimerCall): void;
}

/** The running timers of one consumer. A call that is due waits in the actor's mailbox. */
export class ActorTimers implements Timers {
  readonly #clock: Clock;
  readonly #inbox: TimerInbox;
  readonly #running = new Set<Timer>();
  #isEnded = false;

  constructor(clock: Clock, inbox: TimerInbox) {
    this.#clock = clock;
    this.#inbox = inbox;
  }

  every(ms: number, callback: () => unknown): () => void {
    return this.#start(checkInteger("ms", ms, { max: maxDelayMs }), callback, true);
  }

  after(ms: number, callback: () => unknown): () => void {
    return this.#start(checkInteger("ms", ms, { min: 0, max: maxDelayMs }), callback, false);
  }

  /** Cancels all timers, and starts no further ones. */
  end(): void {
    this.#isEnded = true;
    for (const timer of this.#running) timer.cancel();
  }

  #start(ms: number, callback: () => unknown, isRepeated: boolean): () => void {
    if (typeof callback !== "function") {
      throw new TypeError(`A timer takes a function, not ${callback === null ? "null" : typeof callback}.`);
    }
    if (this.#isEnded) return () => {};
    if (this.#running.size === maxTimers) {
      throw new TooManyTimersError(
        `This actor has ${maxTimers} timers already: cancel a timer before you start another one for the same purpose.`,
      );
    }
    const timer = new Timer(ms, callback, isRepeated, this.#clock, this.#inbox, this.#running);
    return () => timer.cancel();
  }
}

/** Waits in the mailbox at most once: the next period begins when the mailbox takes the call. */
class Timer implements TimerCall {
  readonly #ms: number;
  readonly #callback: () => unknown;
  readonly #isRepeated: boolean;
  readonly #clock: Clock;
  readonly #inbox: TimerInbox;
  readonly #running: Set<Timer>;
  #timeout: unknown;

  constructor(
    ms: number,
    callback: () => unknown,
    isRepeated: boolean,
    clock: Clock,
    inbox: TimerInbox,
    running: Set<Timer>,
  ) {
    this.#ms = ms;
    this.#callback = callback;
    this.#isRepeated = isRepeated;
    this.#clock = clock;
    this.#inbox = inbox;
    this.#running = running.add(this);
    this.#wait();
  }

  run(): unknown {
    if (!this.#running.has(this)) return undefined;
    if (this.#isRepeated) this.#wait();
    else this.#running.delete(this);
    return this.#callback();
  }

  cancel(): void {
    this.#clock.clearTimeout(this.#timeout);
    this.#running.delete(this);
  }

  #wait(): void {
    this.#timeout = this.#clock.setTimeout(() => this.#inbox.enqueueTimer(this), this.#ms);
  }
}
