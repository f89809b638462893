import { sizeOf } from "./through-codec.ts";

/** How much goes into one message, in bytes. */
const partBytes = 128 * 1024;

/** At least one part, and no more than 128 KiB in each, unless a single entry has more: a message can be only so long. */
export function inParts<T>(entries: readonly T[]): readonly [readonly T[], ...(readonly T[])[]] {
  let last: T[] = [];
  const parts: [T[], ...T[][]] = [last];
  let bytes = 0;
  for (const entry of entries) {
    const size = sizeOf(entry);
    if (bytes + size > partBytes && last.length > 0) {
      last = [];
      parts.push(last);
      bytes = 0;
    }
    bytes += size;
    last.push(entry);
  }
  return parts;
}
