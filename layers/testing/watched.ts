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
