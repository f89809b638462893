/** The figures of one measurement, by name. */
export type Figures = Readonly<Record<string, number>>;

/** The median, the minimum and the maximum of one figure over several runs. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export type Measurement = readonly [title: string, row: string];

export class Results {
  readonly #figures: Record<string, Record<string, Figures[]>> = {};

  add([title, row]: Measurement, figures: Figures): void {
    this.#figures[title] ??= {};
    this.#figures[title][row] ??= [];
    this.#figures[title][row].push(figures);
  }

  runs([title, row]: Measurement, figure: string): readonly number[] {
    return (this.#figures[title]?.[row] ?? []).flatMap((figures) => figures[figure] ?? []);
  }

  /** The spread of a figure over all runs; `undefined` if the figure was not measured. */
  spread(measurement: Measurement, figure: string): Spread | undefined {
    return spreadOf(this.runs(measurement, figure));
  }

  /** The ratio of a figure of two rows, within each run, because other load affects both rows. */
  ratio(figure: string, of: Measurement, to: Measurement): Spread | undefined {
    const bases = this.runs(to, figure);
    const ratios = this.runs(of, figure).map((value, run) => value / (bases[run] ?? Number.NaN));
    return spreadOf(ratios.filter((value) => !Number.isNaN(value)));
  }

  toJSON(): object {
    return this.#figures;
  }
}

/** @returns `undefined` if there are no values. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = Float64Array.from(values).sort();
  return { median: quantile(sorted, 0.5), min: quantile(sorted, 0), max: quantile(sorted, 1) };
}

/** The value that a share of the values does not exceed. @param sorted the values in ascending order */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}
