/** A list of listeners. An error of one does not keep the others from being called. */
export interface Listeners<T> {
  /** Returns a function that removes the listener. */
  add(listener: (value: T) => void): () => void;
  /** Calls the listeners in the order in which they were added. Returns whether there is one. */
  call(value: T): boolean;
}

/** @param report gets what a listener throws. */
export function createListeners<T>(report: (error: unknown) => void): Listeners<T> {
  const listeners = new Set<readonly [(value: T) => void]>();
  return {
    add(listener) {
      const entry = [listener] as const;
      listeners.add(entry);
      return () => {
        listeners.delete(entry);
      };
    },
    call(value) {
      for (const entry of [...listeners]) {
        try {
          // An earlier listener may have removed this one.
          if (listeners.has(entry)) entry[0](value);
        } catch (error) {
          report(error);
        }
      }
      return listeners.size > 0;
    },
  };
}

/** Reports an error as an uncaught one, after the present code has run. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
