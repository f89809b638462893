import { type Fields, readCount, readFields, readList, readName, readText } from "../cluster/untrusted.ts";
import type { Diff, StatePart } from "./presence-replica.ts";
import type { Entry } from "./presence-view.ts";

/** The most characters of a key. */
export const longestKey = 256;
const mostParts = 100_000;

export function readDiff(fields: Fields): Diff | undefined {
  const version = readCount(fields.version);
  const joins = readEach(fields.joins, readEntry);
  const leaves = readEach(fields.leaves, readCount);
  if (version === undefined || version === 0 || joins === undefined || leaves === undefined) return undefined;
  return { version, joins, leaves };
}

export function readStatePart(fields: Fields): StatePart | undefined {
  const version = readCount(fields.version);
  const part = readCount(fields.part);
  const parts = readCount(fields.parts);
  const entries = readEach(fields.entries, readEntry);
  if (version === undefined || part === undefined || parts === undefined || entries === undefined)
    return undefined;
  if (part >= parts || parts > mostParts) return undefined;
  return { version, part, parts, entries };
}

function readEntry(value: unknown): Entry | undefined {
  const fields = readFields(value);
  const ref = readCount(fields?.ref);
  const group = readName(fields?.group);
  const key = readText(fields?.key, longestKey);
  if (ref === undefined || group === undefined || key === undefined) return undefined;
  return { ref, group, key, meta: fields?.meta };
}

function readEach<T>(value: unknown, read: (value: unknown) => T | undefined): readonly T[] | undefined {
  const items = readList(value)?.map(read);
  if (items?.every((item) => item !== undefined) !== true) return undefined;
  return items as readonly T[];
}
