/**
 * Returns a random delay, evenly distributed between `ms * min` and `ms * max`, so that processes that
 * started together do not act together.
 */
export function jitter(ms: number, min: number, max = 1, random: () => number = Math.random): number {
  return ms * (min + (max - min) * random());
}
