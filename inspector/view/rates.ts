export type Totals = ReadonlyMap<string, number>;

const maxSamples = 4;

/** Computes rates from running totals that are sampled at arbitrary intervals. */
export class Rates {
  readonly #samples: { readonly at: number; readonly totals: Totals }[] = [];

  /** @param at in milliseconds */
  sample(at: number, totals: Totals): void {
    this.#samples.push({ at, totals });
    if (this.#samples.length > maxSamples) this.#samples.shift();
  }

  /** A total's growth per second over the last four samples; 0 for one sample. Missing totals count as 0. */
  perSecond(name: string): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at <= first.at) return 0;
    const grown = (last.totals.get(name) ?? 0) - (first.totals.get(name) ?? 0);
    return (grown * 1_000) / (last.at - first.at);
  }
}
