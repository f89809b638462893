import { type Spread, spreadOf } from "./statistics.ts";

/** Numbers by name. */
export type Figures<F> = { readonly [Name in keyof F]: number };
export type Spreads<F> = { readonly [Name in keyof F]: Spread };

/** The figures of all runs: by what was measured, then by row. */
export class Collection<Row extends string, F extends Figures<F>> {
  readonly #all: Record<string, Record<string, F[]>> = {};

  add(title: string, row: Row, figures: F): void {
    const rows = this.#all[title] ?? {};
    this.#all[title] = rows;
    rows[row] = [...(rows[row] ?? []), figures];
  }

  /** What each run gave, in turn. */
  runs(title: string, row: Row): readonly F[] {
    return this.#all[title]?.[row] ?? [];
  }

  /** All runs together; nothing where it was not measured. */
  spreads(title: string, row: Row): Spreads<F> | undefined {
    return spreads(this.runs(title, row));
  }

  toJSON(): object {
    return mapValues(this.#all, (rows) => mapValues(rows, spreads));
  }
}

function spreads<F extends Figures<F>>(all: readonly F[]): Spreads<F> | undefined {
  const [first] = all;
  if (first === undefined) return undefined;
  const names = Object.keys(first) as (keyof F)[];
  return Object.fromEntries(
    names.map((name) => [name, spreadOf(all.map((figures) => figures[name]))]),
  ) as Spreads<F>;
}

function mapValues<T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
