/**
 * Randomises a delay, so that processes that started together do not act together.
 *
 * @param ms a delay in milliseconds.
 * @param min the smallest factor, @param max the largest.
 * @returns a delay between `ms * min` and `ms * max`, evenly distributed.
 */
export function jitter(ms: number, min: number, max = 1, random: () => number = Math.random): number {
  return ms * (min + (max - min) * random());
}
