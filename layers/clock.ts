/** The timers that the library uses, so that a test can control time. XState's `SimulatedClock` fits. */
export interface Clock {
  setTimeout(fn: (...args: unknown[]) => void, ms: number): unknown;
  clearTimeout(id: unknown): void;
  /** Returns milliseconds since an arbitrary origin. @default `performance.now` */
  now?(): number;
}
