/** A figure of several runs. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const round = (value: number) => Number(value.toPrecision(5));
  return {
    median: round(quantile(sorted, 0.5)),
    min: round(quantile(sorted, 0)),
    max: round(quantile(sorted, 1)),
  };
}

/** The value that a share of all is not above. @param sorted from the smallest up */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}
