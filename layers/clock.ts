/** The timers of whatever waits, so that a test can hold the clock. XState's `SimulatedClock` fits. */
export interface Clock {
  setTimeout(fn: (...args: unknown[]) => void, ms: number): unknown;
  clearTimeout(id: unknown): void;
  /** Milliseconds since whenever. @default `performance.now` */
  now?(): number;
}
