import { BoundedCache } from "./bounded-cache.ts";
import { checkInteger } from "./check-integer.ts";
import { InvalidOptionError } from "./errors.ts";

/**
 * A number for every name, or one for each pattern, of which the first that matches a name holds. In a pattern, `*`
 * stands for any letters or none and `?` for one, as in Channels' `channel_capacity`; all else for itself. A name that no
 * pattern matches gets the layer's default: end the list with `["*", …]` to choose another.
 *
 * @example
 * const capacity = [["room_lobby", 1_000], ["room_*", 100], ["*", 10]];
 */
export type ByPattern = number | readonly (readonly [pattern: string, value: number])[];

/** @see LimitsByName */
export interface LimitRule {
  /** The option's name, for errors. */
  readonly option: string;
  /** The limit for a name that no pattern matches. */
  readonly fallback: number;
  /** The largest limit allowed. @default Number.MAX_SAFE_INTEGER */
  readonly max?: number;
}

/** How many resolved names are remembered. Clients choose names, so the number has to be bounded. */
const rememberedNames = 1_000;

/**
 * A limit, such as a capacity or an expiry time, that depends on the name of a group or channel.
 *
 * @example
 * const capacity = new LimitsByName(options.capacity, { option: "capacity", fallback: 100 });
 * await append(entry, { maxLength: capacity.resolve(group) });
 */
export class LimitsByName {
  readonly #fallback: number;
  readonly #byPattern: readonly (readonly [pattern: string, value: number])[];
  readonly #remembered = new BoundedCache<string, number>(rememberedNames);

  /** @throws {InvalidOptionError} for a limit that is not an integer from 1 to `max`, or an invalid pattern. */
  constructor(limits: ByPattern | undefined, { option, fallback, ...range }: LimitRule) {
    this.#fallback = checkInteger(option, typeof limits === "number" ? limits : fallback, range);
    this.#byPattern = pairs(limits, option).map(([pattern, value], index) => [
      checkPattern(`${option}[${index}][0]`, pattern),
      checkInteger(`${option}[${index}][1]`, value, range),
    ]);
  }

  /** The limit for `name`, which never changes. */
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
    `\`${option}\` is a number, or a list of pairs: [["room_*", 100], ["*", 10]].`,
  );
}

/** Refuses a pattern with characters that no name has, because it could never match. */
function checkPattern(option: string, pattern: string): string {
  if (typeof pattern === "string" && /^[A-Za-z0-9._!*?-]{1,99}$/.test(pattern)) return pattern;
  throw new InvalidOptionError(
    `\`${option}\` is 1 to 99 of the letters of names, '!', '*' and '?', not ${JSON.stringify(pattern)}.`,
  );
}

/**
 * Whether the whole of `name` matches `pattern`, as {@link ByPattern} defines it.
 *
 * Takes at most `pattern.length * name.length` steps. A regular expression with many stars would let a client choose
 * a name for which matching takes exponential time.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  let at = 0;
  let next = 0;
  /** The last star, and the end of what it stands for. If the rest does not fit, it stands for one letter more. */
  let star = -1;
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
