import { InvalidOptionError, textOf } from "./errors.ts";

/** The longest delay of a Node timer: 24.8 days, in milliseconds. See {@link systemClock} for longer ones. */
export const maxDelayMs = 2 ** 31 - 1;

/** The longest delay to which jitter may add 25 %: 19 days, in milliseconds. */
export const maxJitteredDelayMs = Math.floor(maxDelayMs / 1.25);

/** The inclusive bounds of an integer option. */
export interface IntegerRange {
  /** @default 1 */
  readonly min?: number;
  /** @default Number.MAX_SAFE_INTEGER */
  readonly max?: number;
}

/** Returns `value`. @throws {InvalidOptionError} unless `value` is an integer in the range. */
export function checkInteger(
  option: string,
  value: unknown,
  { min = 1, max = Number.MAX_SAFE_INTEGER }: IntegerRange = {},
): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max)
    return value as number;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  // Quotes show that the value of an environment variable has to be converted to a number.
  const given = typeof value === "string" ? JSON.stringify(value) : textOf(value);
  throw new InvalidOptionError(`\`${option}\` must be an integer ${range}, not ${given}.`);
}
