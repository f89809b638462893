import { Collection, type Figures } from "../collection.ts";
import { type Spread, spreadOf } from "../statistics.ts";
import type { IdleFigures, SendFigures } from "./measuring.ts";
import { type Growth, type GrowthName, growths, type Sending } from "./plan.ts";
import type { RowName } from "./rows.ts";

/** Collects what each run gives, by what was measured and of whom, and sums it up. */
export class Results {
  readonly #sends = new Collection<RowName, SendFigures>();
  readonly #growth = new Collection<RowName, SendFigures>();
  readonly #idle = new Collection<RowName, IdleFigures>();

  addSend(row: RowName, { title }: Sending, figures: SendFigures): void {
    this.#sends.add(title, row, figures);
  }

  addStep(row: RowName, { title }: Growth, step: number, figures: SendFigures): void {
    this.#growth.add(stepTitle(title, step), row, figures);
  }

  addIdle(row: RowName, figures: IdleFigures): void {
    this.#idle.add(idleTitle, row, figures);
  }

  send(row: RowName, { title }: Sending) {
    return this.#sends.spreads(title, row);
  }

  step(row: RowName, { title }: Growth, step: number) {
    return this.#growth.spreads(stepTitle(title, step), row);
  }

  idle(row: RowName) {
    return this.#idle.spreads(idleTitle, row);
  }

  /**
   * A figure of one row as a multiple of another's, in each run by itself: load that comes and goes on the machine falls
   * on both. Nothing where one of them is missing.
   */
  sendRatio({ title }: Sending, figure: keyof SendFigures, of: RowName, to: RowName): Spread | undefined {
    return ratio(this.#sends.runs(title, of), this.#sends.runs(title, to), figure);
  }

  idleRatio(figure: keyof IdleFigures, of: RowName, to: RowName): Spread | undefined {
    return ratio(this.#idle.runs(idleTitle, of), this.#idle.runs(idleTitle, to), figure);
  }

  /** The dearest of the steps after the one that is the base, as a multiple of that one, in each run by itself. */
  growthRatio(row: RowName, name: GrowthName, base: number): Spread | undefined {
    const { title, steps }: Growth = growths[name];
    const runs = (step: number) => this.#growth.runs(stepTitle(title, step), row);
    const later = steps.filter((step) => step > base && runs(step).length > 0);
    const ratios = runs(base).map(({ cpu }, run) => {
      return Math.max(...later.map((step) => runs(step)[run]?.cpu ?? Number.NaN)) / cpu;
    });
    return later.length === 0 || ratios.length === 0 ? undefined : spreadOf(ratios);
  }

  toJSON(): object {
    return { sends: this.#sends, idle: this.#idle, growth: this.#growth };
  }
}

function ratio<F extends Figures<F>>(
  values: readonly F[],
  bases: readonly F[],
  figure: keyof F,
): Spread | undefined {
  const ratios = values.flatMap((value, run) => {
    const base = bases[run];
    return base === undefined ? [] : [value[figure] / base[figure]];
  });
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}

const idleTitle = "connections";

function stepTitle(title: string, step: number): string {
  return `${title}: ${step}`;
}
