import { InvalidNameError } from "./errors.ts";

/** The suffix that turns the name of a named channel into that of its dead letters. */
export const deadSuffix = ".dead";

const letters = "ASCII letters, digits, '-', '_' and '.'";
const groupPattern = /^[A-Za-z0-9._-]{1,99}$/;
const groupRule = `A group's name is 1 to 99 ${letters}`;
const channelPattern = /^(?=.{1,99}$)[A-Za-z0-9._-]+(?:![A-Za-z0-9._-]+)?$/;
const channelRule = `A channel's name is 1 to 99 ${letters}, with at most one '!' inside`;

/** Dead letters may die again, so a valid name stays valid with the suffix. */
const queuePattern = /^[A-Za-z0-9._-]{1,94}(?:\.dead)*$/;
const queueRule = `The name of a channel for workers has no '!', and at most 94 characters before '${deadSuffix}'`;

const prefixPattern = /^[!-~]{1,99}$/;
const markerPattern = /__(?:group|node|queue)__/;

/** @throws {InvalidNameError} unless `name` is 1 to 99 ASCII letters, digits, `-`, `_` and `.`. */
export function checkGroup(name: string): void {
  check(name, groupPattern, groupRule);
}

/** @throws {InvalidNameError} unless `name` follows the rule of groups, with at most one `!` between its parts. */
export function checkChannel(name: string): void {
  check(name, channelPattern, channelRule);
}

/** @throws {InvalidNameError} unless `name` is 1 to 94 letters as in groups, and `.dead` as often as you like. */
export function checkQueue(name: string): void {
  check(name, queuePattern, queueRule);
}

/**
 * A prefix keeps apart the applications on one server. On the wire, `__group__`, `__node__` or `__queue__`
 * follows it, so a prefix that held one of these, or ended with all of it but the last underscores, could run into
 * another prefix.
 *
 * @throws {InvalidNameError} unless `prefix` is 1 to 99 printable ASCII characters without spaces and without those.
 */
export function checkPrefix(prefix: string): void {
  if (typeof prefix === "string" && prefixPattern.test(prefix) && !markerPattern.test(`${prefix}__`)) return;
  throw new InvalidNameError(
    "A prefix is 1 to 99 printable ASCII characters without spaces, and without '__group__', '__node__' or " +
      `'__queue__' inside or begun at its end, not ${quote(prefix)}.`,
  );
}

function check(name: unknown, pattern: RegExp, rule: string): void {
  if (typeof name === "string" && pattern.test(name)) return;
  throw new InvalidNameError(`${rule}, not ${quote(name)}.`);
}

/** `name` for an error: quoted, escaped, and cut if it is long. */
function quote(name: unknown): string {
  if (typeof name !== "string") return `a value of type ${name === null ? "null" : typeof name}`;
  if (name.length <= 40) return JSON.stringify(name);
  return `${JSON.stringify(name.slice(0, 40))}… (${name.length} characters)`;
}
