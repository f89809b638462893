/** A list of listeners. An error of one does not keep the others from being called. */
export class Listeners<T> {
  readonly #listeners = new Set<{ readonly listener: (value: T) => void }>();
  readonly #report: (error: unknown) => void;

  /** @param report gets what a listener throws. */
  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** Returns a function that removes the listener. */
  readonly add = (listener: (value: T) => void): (() => void) => {
    const entry = { listener };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  };

  /** Calls the listeners in the order in which they were added. Returns whether there is one. */
  call(value: T): boolean {
    for (const entry of [...this.#listeners]) {
      try {
        // An earlier listener may have removed this one.
        if (this.#listeners.has(entry)) entry.listener(value);
      } catch (error) {
        this.#report(error);
      }
    }
    return this.#listeners.size > 0;
  }
}

/** Reports an error as an uncaught one, after the present code has run. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
