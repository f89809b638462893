/** Lets a spec wait until a condition holds. A subclass calls `changed` after each change. */
export class Watched {
  readonly #waiting = new Set<() => void>();

  /** Resolves once `holds` returns true, now or after a change. */
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

export const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
