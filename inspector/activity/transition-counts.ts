import type { MachineKind, Move } from "../protocol.ts";

/** Sums up which ways actors took. */
export class TransitionCounts {
  readonly #counts = new Map<string, { readonly move: Omit<Move, "count">; count: number }>();

  add(consumer: string, machine: MachineKind, mark: string): void {
    const key = `${consumer} ${machine} ${mark}`;
    const known = this.#counts.get(key);
    if (known !== undefined) known.count += 1;
    else this.#counts.set(key, { move: { consumer, machine, mark }, count: 1 });
  }

  /** Those since it was last asked. */
  take(): Move[] {
    const moves = [...this.#counts.values()].map(({ move, count }) => ({ ...move, count }));
    this.#counts.clear();
    return moves;
  }
}
