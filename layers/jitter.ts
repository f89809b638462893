/** Returns a random delay from `ms * min` to `ms * max`, so that processes do not act at the same time. */
export function jitter(ms: number, min: number, max = 1, random: () => number = Math.random): number {
  return ms * (min + (max - min) * random());
}
