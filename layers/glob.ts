import { InvalidOptionError } from "./errors.ts";

const any = "*";
const one = "?";
const allowed = /^[A-Za-z0-9._!*?-]{1,99}$/;

/**
 * A pattern for names of groups and channels: `*` stands for any letters or none, `?` for one, all else for itself.
 *
 * Matching takes at most as many steps as pattern and name are long, multiplied: no name that a client chooses can make
 * it slow, as it can with a regular expression of many stars.
 */
export class Glob {
  readonly #pattern: string;

  /**
   * @param where what an error calls the pattern.
   * @throws {InvalidOptionError} for a pattern with letters that no name has, so that it could never match.
   */
  constructor(pattern: string, where: string) {
    if (typeof pattern !== "string" || !allowed.test(pattern)) {
      throw new InvalidOptionError(
        `\`${where}\` is 1 to 99 of the letters of names, '!', '*' and '?', not ${JSON.stringify(pattern)}.`,
      );
    }
    this.#pattern = pattern;
  }

  /** Whether the whole of `name` matches. */
  matches(name: string): boolean {
    const pattern = this.#pattern;
    let at = 0;
    let next = 0;
    /** Where to go on when what follows the last star does not fit: the star takes one letter more. */
    let star = -1;
    let taken = 0;
    while (at < name.length) {
      if (pattern[next] === any) {
        star = next;
        taken = at;
        next += 1;
      } else if (pattern[next] === one || pattern[next] === name[at]) {
        at += 1;
        next += 1;
      } else if (star >= 0) {
        taken += 1;
        at = taken;
        next = star + 1;
      } else {
        return false;
      }
    }
    while (pattern[next] === any) next += 1;
    return next === pattern.length;
  }
}
