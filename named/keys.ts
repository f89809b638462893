import { InvalidNameError } from "../layers/errors.ts";

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

/**
 * The node that should own a partition: the one with the highest hash of its name and the partition. If a node leaves
 * or joins, only its own share of the partitions moves. ("Rendezvous hashing", Thaler and Ravishankar, 1998.)
 */
export function rightfulOwner(index: number, nodes: readonly string[]): string | undefined {
  let best: string | undefined;
  let highest = -1;
  for (const node of nodes) {
    const weight = hash(`${node} ${index}`);
    if (weight > highest || (weight === highest && best !== undefined && node < best)) {
      best = node;
      highest = weight;
    }
  }
  return best;
}

/** FNV-1a over the UTF-16 units of `text`, with the finalizer of MurmurHash3, which spreads similar texts. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    h = Math.imul(h ^ text.charCodeAt(index), 0x01000193);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
