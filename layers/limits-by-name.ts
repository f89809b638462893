import { BoundedCache } from "./bounded-cache.ts";
import { checkInteger } from "./check-integer.ts";
import { InvalidOptionError } from "./errors.ts";

/**
 * One number for every name, or a number for each pattern; the first pattern that matches a name applies.
 * Only `*` (any number of characters) and `?` (one character) are special in a pattern. End the list with
 * `["*", …]` to replace the default for all other names.
 *
 * @example
 * const capacity: ByPattern = [["room_lobby", 1_000], ["room_*", 100], ["*", 10]];
 */
export type ByPattern = number | readonly (readonly [pattern: string, value: number])[];

export interface LimitRule {
  /** The option's name, for errors. */
  readonly option: string;
  /** The limit for a name without a matching pattern. */
  readonly fallback: number;
  /** The smallest limit allowed. @default 1 */
  readonly min?: number;
  /** The largest limit allowed. @default Number.MAX_SAFE_INTEGER */
  readonly max?: number;
}

/** The maximum number of cached names. Clients choose names, so the cache has to be bounded. */
const rememberedNames = 1_000;

/** A limit, such as a capacity or an expiry time, that depends on the name of a group or channel. */
export class LimitsByName {
  readonly #fallback: number;
  readonly #byPattern: readonly (readonly [pattern: string, value: number])[];
  readonly #remembered = new BoundedCache<string, number>(rememberedNames);

  /** @throws {InvalidOptionError} for an invalid pattern, or a limit that is not from `min` to `max`. */
  constructor(limits: ByPattern | undefined, { option, fallback, ...range }: LimitRule) {
    this.#fallback = checkInteger(option, typeof limits === "number" ? limits : fallback, range);
    this.#byPattern = pairs(limits, option).map(([pattern, value], index) => [
      checkPattern(`${option}[${index}][0]`, pattern),
      checkInteger(`${option}[${index}][1]`, value, range),
    ]);
  }

  /** Returns the limit for `name`. The limit of a name never changes. */
  resolve(name: string): number {
    if (this.#byPattern.length === 0) return this.#fallback;
    return this.#remembered.get(name, () => {
      const match = this.#byPattern.find(([pattern]) => matchesPattern(pattern, name));
      return match?.[1] ?? this.#fallback;
    });
  }
}

function pairs(limits: unknown, option: string): readonly (readonly [string, number])[] {
  if (limits === undefined || typeof limits === "number") return [];
  if (Array.isArray(limits) && limits.every((pair) => Array.isArray(pair) && pair.length === 2))
    return limits;
  throw new InvalidOptionError(
    `\`${option}\` must be a number or a list of pairs, such as [["room_*", 100], ["*", 10]].`,
  );
}

/** Refuses a pattern with a character that names cannot contain, because such a pattern never matches. */
function checkPattern(option: string, pattern: string): string {
  if (typeof pattern === "string" && /^[A-Za-z0-9._!*?-]{1,99}$/.test(pattern)) return pattern;
  throw new InvalidOptionError(
    `\`${option}\` must be 1 to 99 ASCII letters, digits, '-', '_', '.', '!', '*' and '?', not ${JSON.stringify(pattern)}.`,
  );
}

/** Whether all of `name` matches `pattern`. Unlike a regular expression, never takes exponential time. */
export function matchesPattern(pattern: string, name: string): boolean {
  let at = 0;
  let next = 0;
  /** The index of the last star in the pattern. */
  let star = -1;
  /** The index after the text that the last star matches. Grows by 1 if the next characters do not match. */
  let starEnd = 0;
  while (at < name.length) {
    if (pattern[next] === "*") {
      star = next;
      starEnd = at;
      next += 1;
    } else if (pattern[next] === "?" || pattern[next] === name[at]) {
      at += 1;
      next += 1;
    } else if (star >= 0) {
      starEnd += 1;
      at = starEnd;
      next = star + 1;
    } else {
      return false;
    }
  }
  while (pattern[next] === "*") next += 1;
  return next === pattern.length;
}
