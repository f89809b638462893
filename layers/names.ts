import { InvalidNameError } from "./errors.ts";

const groupPattern = /^[A-Za-z0-9._-]{1,99}$/;
const channelPattern = /^(?=.{1,99}$)[A-Za-z0-9._-]+(?:![A-Za-z0-9._-]+)?$/;
const prefixPattern = /^[!-~]{1,99}$/;
const marker = /__(?:group|node|queue)__/;
const letters = "ASCII letters, digits, '-', '_' and '.'";

/** @throws {InvalidNameError} unless `name` is 1 to 99 ASCII letters, digits, `-`, `_` and `.`. */
export function checkGroup(name: string): void {
  if (typeof name !== "string" || !groupPattern.test(name)) {
    throw new InvalidNameError(`A group's name is 1 to 99 ${letters}, not ${shown(name)}.`);
  }
}

/** @throws {InvalidNameError} unless `name` follows the rule of groups, with at most one `!` between its parts. */
export function checkChannel(name: string): void {
  if (typeof name !== "string" || !channelPattern.test(name)) {
    throw new InvalidNameError(
      `A channel's name is 1 to 99 ${letters}, with at most one '!' inside, not ${shown(name)}.`,
    );
  }
}

/** What follows the name of a named channel in that of its dead letters. */
export const deadSuffix = ".dead";

/** Dead letters may die again, so whatever is allowed stays so with the suffix. */
const queuePattern = /^[A-Za-z0-9._-]{1,94}(?:\.dead)*$/;

/** @throws {InvalidNameError} unless `name` is 1 to 94 letters as in groups, and `.dead` as often as you like. */
export function checkQueue(name: string): void {
  if (typeof name === "string" && queuePattern.test(name)) return;
  throw new InvalidNameError(
    `The name of a channel for workers has no '!', and at most 94 characters before '${deadSuffix}', not ${shown(name)}.`,
  );
}

/**
 * A prefix keeps apart the applications on one server. `__group__`, `__node__` and `__queue__` are what follows it
 * on the wire, so a prefix that held one, or ended with all of it but the last underscores, could run into another prefix.
 *
 * @throws {InvalidNameError} unless `prefix` is 1 to 99 printable ASCII characters without spaces and without those.
 */
export function checkPrefix(prefix: string): void {
  if (typeof prefix !== "string" || !prefixPattern.test(prefix) || marker.test(`${prefix}__`)) {
    throw new InvalidNameError(
      "A prefix is 1 to 99 printable ASCII characters without spaces, and without '__group__', '__node__' or " +
        `'__queue__' inside or begun at its end, not ${shown(prefix)}.`,
    );
  }
}

/** The offending name as an error shows it: quoted, escaped, and cut where it is long. */
function shown(name: unknown): string {
  if (typeof name !== "string") return `a value of type ${name === null ? "null" : typeof name}`;
  if (name.length <= 40) return JSON.stringify(name);
  return `${JSON.stringify(name.slice(0, 40))}… (${name.length} characters)`;
}
