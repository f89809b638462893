/** The timers that the library uses. A test can pass another clock, such as XState's `SimulatedClock`. */
export interface Clock {
  setTimeout(fn: (...args: unknown[]) => void, ms: number): unknown;
  clearTimeout(id: unknown): void;
  /** Returns milliseconds since an arbitrary origin. @default `performance.now` */
  now?(): number;
}
