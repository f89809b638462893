import { InvalidNameError } from "./errors.ts";

/** A named channel's name plus this suffix is the name of the channel that holds its dead letters. */
export const deadSuffix = ".dead";

/** The length of the part of a group's name that may come from a client: 9 characters remain for a prefix. */
export const maxNamePart = 90;

/** The letters of such a part. */
export const namePartPattern = /^[A-Za-z0-9._-]+$/;

const letters = "ASCII letters, digits, '-', '_' and '.'";
const groupPattern = /^[A-Za-z0-9._-]{1,99}$/;
const groupRule = `A group's name is 1 to 99 ${letters}`;
const channelPattern = /^(?=.{1,99}$)[A-Za-z0-9._-]+(?:![A-Za-z0-9._-]+)?$/;
const channelRule = `A channel's name is 1 to 99 ${letters}, with at most one '!' inside`;

/** The name of a channel of dead letters may have several suffixes, because dead letters can fail again. */
const queuePattern = /^[A-Za-z0-9._-]{1,94}(?:\.dead)*$/;
const queueRule = `A named channel's name is 1 to 94 ${letters}, plus any suffixes '${deadSuffix}'`;

const prefixPattern = /^[!-~]{1,99}$/;
const markerPattern = /__(?:group|node|queue)__/;

export function checkGroup(name: string): void {
  check(name, groupPattern, groupRule);
}

/** Like {@link checkGroup}, but allows one `!` inside the name. @throws {InvalidNameError} */
export function checkChannel(name: string): void {
  check(name, channelPattern, channelRule);
}

/** @throws {InvalidNameError} unless `name` is valid for a named channel or for its dead letters. */
export function checkQueue(name: string): void {
  check(name, queuePattern, queueRule);
}

/**
 * Checks a prefix. A prefix must not contain `__group__`, `__node__` or `__queue__`, even after `__` is
 * appended: `a__group` is invalid. Otherwise, two prefixes could have topics of the same name.
 * @throws {InvalidNameError}
 */
export function checkPrefix(prefix: string): void {
  if (typeof prefix === "string" && prefixPattern.test(prefix) && !markerPattern.test(`${prefix}__`)) return;
  throw new InvalidNameError(
    `A prefix is 1 to 99 printable ASCII characters without spaces, not ${quote(prefix)}. ` +
      "It does not contain '__group__', '__node__' or '__queue__', even after '__' is appended to it.",
  );
}

function check(name: unknown, pattern: RegExp, rule: string): void {
  if (typeof name === "string" && pattern.test(name)) return;
  throw new InvalidNameError(`${rule}, not ${quote(name)}.`);
}

/** Formats `name` for an error: quoted, escaped, and truncated if it is long. */
function quote(name: unknown): string {
  if (typeof name !== "string") return `a value of type ${name === null ? "null" : typeof name}`;
  if (name.length <= 40) return JSON.stringify(name);
  return `${JSON.stringify(name.slice(0, 40))}… (${name.length} characters)`;
}
