import { maxDelayMs } from "./check-integer.ts";

/**
 * The timers that the library uses. A test can pass another clock, such as XState's `SimulatedClock`. A
 * machine may set timers of more than 24.8 days. The timers of Node end such a timer at once, so a clock that
 * uses them has to divide long delays itself.
 */
export interface Clock {
  /** Calls `fn` once, after `ms` milliseconds. Returns the id of the timer. */
  setTimeout(fn: (...args: unknown[]) => void, ms: number): unknown;
  /** Cancels the timer with this id. Does nothing if the timer has ended. */
  clearTimeout(id: unknown): void;
  /** Returns milliseconds since an arbitrary origin. @default `performance.now` */
  now?(): number;
}

/** Lets the process end although `timer` is set. Does nothing for the timers of a simulated clock. */
export function unref(timer: unknown): void {
  (timer as { unref?: () => void } | undefined)?.unref?.();
}

/** Node's timers, for delays of any length. */
export const systemClock: Clock = withLongDelays({
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
});

/** Returns a clock for delays of any length. It sets several timers of `timers` in turn for a long delay. */
export function withLongDelays(timers: Clock): Clock {
  const { now } = timers;
  return {
    ...(now && { now: () => now.call(timers) }),
    setTimeout: (fn, ms) => (ms > maxDelayMs ? new LongTimer(timers, fn, ms) : timers.setTimeout(fn, ms)),
    clearTimeout(id) {
      timers.clearTimeout(id instanceof LongTimer ? id.current : id);
    },
  };
}

/** A timer whose delay exceeds {@link maxDelayMs}. */
class LongTimer {
  /** The timer for the next part of the delay. */
  current: unknown;

  constructor(timers: Clock, fn: () => void, ms: number) {
    this.#wait(timers, fn, ms);
  }

  #wait(timers: Clock, fn: () => void, ms: number): void {
    this.current =
      ms > maxDelayMs
        ? timers.setTimeout(() => this.#wait(timers, fn, ms - maxDelayMs), maxDelayMs)
        : timers.setTimeout(fn, ms);
  }
}

/**
 * Returns what has to be added to the time of `clock` for a wall time, in milliseconds since 1970. XState
 * measures the time of a clock without `now` with `Date.now`. A clock with `now` may have any origin, so its
 * first use defines its wall time. From then on, only this clock determines how much time has passed.
 */
export function wallOffsetOf(clock: Clock): number {
  if (clock.now === undefined) return 0;
  let offset = offsets.get(clock);
  if (offset === undefined) {
    offset = Date.now() - clock.now();
    offsets.set(clock, offset);
  }
  return offset;
}

const offsets = new WeakMap<Clock, number>();

/** The wall time of `clock`, in milliseconds since 1970: see {@link wallOffsetOf}. */
export const wallTimeOf = (clock: Clock): number => wallOffsetOf(clock) + (clock.now?.() ?? Date.now());
