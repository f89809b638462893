import assert from "node:assert/strict";

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

  /** Checks the conditions that a spec waits for. */
  protected changed(): void {
    for (const check of this.#waiting) check();
  }
}

export const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Polls until `holds` returns true, for at most 5 s. */
export async function until(holds: () => boolean): Promise<void> {
  const latest = performance.now() + 5_000;
  while (!holds()) {
    assert.ok(performance.now() < latest, "The condition did not hold within 5 s.");
    await nextTurn();
  }
}

export function moreThanAMillisecond(): Promise<void> {
  const [date, time] = [Date.now(), performance.now()];
  return until(() => Date.now() - date > 2 && performance.now() - time > 2);
}
