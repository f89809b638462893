import { InvalidNameError } from "../layers/errors.ts";
import { hash } from "../layers/rendezvous.ts";

export const maxKeyLength = 100;

const kindPattern = /^[A-Za-z0-9._-]{1,60}$/;

/** @throws {InvalidNameError} unless `kind` is 1 to 60 ASCII letters, digits, `-`, `_` and `.`. */
export function checkKind(kind: unknown): void {
  if (typeof kind === "string" && kindPattern.test(kind)) return;
  throw new InvalidNameError(
    "The name of a kind is 1 to 60 ASCII letters, digits, '-', '_' and '.', " +
      `not ${typeof kind === "string" ? JSON.stringify(kind.slice(0, 80)) : `a value of type ${typeof kind}`}.`,
  );
}

/** @throws {InvalidNameError} unless `key` is a well-formed string of 1 to 100 characters. */
export function checkKey(kind: string, key: unknown): asserts key is string {
  const rule = `A key of the kind "${kind}" is a string of 1 to ${maxKeyLength} characters`;
  if (typeof key !== "string") throw new InvalidNameError(`${rule}, not a value of type ${typeof key}.`);
  if (key.length < 1 || key.length > maxKeyLength)
    throw new InvalidNameError(`${rule}, and this one has ${key.length}.`);
  // Redis stores UTF-8, which would replace a surrogate without its partner, so two keys could become one.
  if (!isWellFormed(key)) throw new InvalidNameError(`${rule}, without halves of surrogate pairs.`);
}

const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

/** The partition of a key: the same on all nodes, and in all versions of this package. */
export function partitionOf(key: string, partitions: number): number {
  return hash(key) % partitions;
}
