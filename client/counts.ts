/** @throws {RangeError} unless `condition` holds. */
export function must(condition: boolean): void {
  if (!condition) throw new RangeError();
}

/** Returns `value`. @throws {RangeError} if it is not an integer from `min` to `max`. */
export function toCount(value: unknown, min = 0, max = Infinity): number {
  const count = value as number;
  must(Number.isSafeInteger(count) && min <= count && count <= max);
  return count;
}
