import { type Spread, spreadOf } from "./statistics.ts";

/** What one measurement gives. */
export type Figures = Readonly<Record<string, number>>;

/** One kind of measurement. */
export interface Task {
  readonly what: string;
  /** The row. */
  readonly name: string;
  /** Of how many. */
  readonly count: number;
}

/** Collects what each run gives, and sums it up. */
export class Results<T extends Task> {
  readonly #runs = new Map<string, Figures[]>();

  add(task: T, figures: Figures): void {
    const title = titleOf(task);
    this.#runs.set(title, [...(this.#runs.get(title) ?? []), figures]);
  }

  /** A figure of all runs; nothing where it was not measured. */
  spread(task: T, figure: string): Spread | undefined {
    return summed(this.#values(task, figure));
  }

  /** One figure as a multiple of another, in each run by itself: load that comes and goes on the machine falls on both. */
  ratio(of: T, to: T, figure: string): Spread | undefined {
    const bases = this.#values(to, figure);
    return summed(this.#values(of, figure).map((value, run) => value / (bases[run] ?? Number.NaN)));
  }

  toJSON(): object {
    return Object.fromEntries(
      [...this.#runs].map(([title, all]) => [
        title,
        Object.fromEntries(
          Object.keys(all[0] ?? {}).map((figure) => [figure, summed(all.map((figures) => figures[figure]))]),
        ),
      ]),
    );
  }

  #values(task: T, figure: string): number[] {
    return (this.#runs.get(titleOf(task)) ?? []).map((figures) => figures[figure] ?? Number.NaN);
  }
}

function summed(values: readonly (number | undefined)[]): Spread | undefined {
  return values.length === 0 ? undefined : spreadOf(values.map((value) => value ?? Number.NaN));
}

const titleOf = ({ what, name, count }: Task) => `${what} ${name} ${count}`;
