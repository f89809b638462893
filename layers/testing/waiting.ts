/** Something that changes, and lets a spec wait until it is as it should be. */
export class Watched {
  readonly #waiting = new Set<() => void>();

  /** Resolves once `holds` does, which is asked again at each change. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!holds()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  protected changed(): void {
    for (const check of this.#waiting) check();
  }
}

/** A promise and the function that resolves it. */
export function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Resolves in the next turn of the event loop. */
export const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
