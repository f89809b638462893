import { BoundedCache } from "./bounded-cache.ts";
import { InvalidOptionError } from "./errors.ts";
import { Glob } from "./glob.ts";

/**
 * A number for every name, or one for each pattern, of which the first that matches a name holds. In a pattern, `*`
 * stands for any letters or none and `?` for one, as in Channels' `channel_capacity`; all else for itself. A name that no
 * pattern matches gets the layer's default: end the list with `["*", …]` to choose another.
 *
 * @example
 * const capacity = [["room_lobby", 1_000], ["room_*", 100], ["*", 10]];
 */
export type ByPattern = number | readonly (readonly [pattern: string, value: number])[];

/** What may be told, and what holds where nothing is. */
export interface LimitRule {
  /** The option's name, for errors. */
  readonly option: string;
  readonly fallback: number;
  /** @default Number.MAX_SAFE_INTEGER */
  readonly max?: number;
}

/** How many names are remembered with what they resolved to. Clients choose names, so it has to end somewhere. */
const rememberedNames = 1_000;

/**
 * How much a group's history or a queue holds, or how long, by its name.
 *
 * @example
 * const capacity = new Capacity(options.capacity, { option: "capacity", fallback: 100 });
 * const expiryMs = new Capacity(options.expiryMs, { option: "expiryMs", fallback: 60_000 });
 * await append(entry, { maxLength: capacity.resolve(group), expiryMs: expiryMs.resolve(group) });
 */
export class LimitsByName {
  readonly #fallback: number;
  readonly #byPattern: readonly (readonly [Glob, number])[];
  readonly #remembered = new BoundedCache<string, number>(rememberedNames);

  /**
   * @throws {InvalidOptionError} for a value that is no integer from 1 to `max`, or a pattern that no name can match.
   */
  constructor(
    option: ByPattern | undefined,
    { option: name, fallback, max = Number.MAX_SAFE_INTEGER }: LimitRule,
  ) {
    const check = (value: number, where: string) => {
      if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value;
      throw new InvalidOptionError(`\`${where}\` is an integer from 1 to ${max}, not ${String(value)}.`);
    };
    this.#fallback = check(typeof option === "number" ? option : fallback, name);
    this.#byPattern = entries(option, name).map(([pattern, value], index) => [
      new Glob(pattern, `${name}[${index}][0]`),
      check(value, `${name}[${index}][1]`),
    ]);
  }

  /** The value for `name`. It is always the same. */
  resolve(name: string): number {
    if (this.#byPattern.length === 0) return this.#fallback;
    return this.#remembered.get(name, () => this.#find(name));
  }

  #find(name: string): number {
    for (const [glob, value] of this.#byPattern) if (glob.matches(name)) return value;
    return this.#fallback;
  }
}

function entries(option: unknown, name: string): readonly (readonly [string, number])[] {
  if (option === undefined || typeof option === "number") return [];
  if (Array.isArray(option) && option.every((entry) => Array.isArray(entry) && entry.length === 2))
    return option;
  throw new InvalidOptionError(`\`${name}\` is a number, or a list of pairs: [["room_*", 100], ["*", 10]].`);
}
