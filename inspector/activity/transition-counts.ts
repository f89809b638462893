import type { MachineKind, TransitionCount } from "../protocol.ts";

export class TransitionCounts {
  readonly #counts = new Map<string, { -readonly [K in keyof TransitionCount]: TransitionCount[K] }>();

  add(consumer: string, machine: MachineKind, mark: string): void {
    const key = `${consumer} ${machine} ${mark}`;
    const known = this.#counts.get(key);
    if (known !== undefined) known.count += 1;
    else this.#counts.set(key, { consumer, machine, mark, count: 1 });
  }

  /** Returns the transitions counted since the last call. */
  take(): TransitionCount[] {
    const counts = [...this.#counts.values()];
    this.#counts.clear();
    return counts;
  }
}
