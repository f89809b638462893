import { InvalidOptionError } from "../../errors.ts";

/**
 * The longest time that can be asked for, in milliseconds: 19 days. A timer of Node takes a quarter more, which is what
 * may be added at random, and fires at once above that.
 */
export const longestMs = Math.floor((2 ** 31 - 1) / 1.25);

/**
 * @param option its name, as the user writes it.
 * @throws {InvalidOptionError} unless `value` is a number above 0, or 0 where that means something, up to
 *   {@link longestMs}.
 */
export function checkMs(option: string, value: number, { orNone = false } = {}): void {
  if (typeof value === "number" && value <= longestMs && (value > 0 || (orNone && value === 0))) return;
  throw new InvalidOptionError(
    `\`${option}\` is a number of milliseconds ${orNone ? "from" : "above"} 0, up to ${longestMs}, not ${String(value)}.`,
  );
}
