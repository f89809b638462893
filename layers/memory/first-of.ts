const maxEntries = 256;
const maxBytes = 1024 * 1024;

/** The first entries after `start`: at most 256, and at most 1 MiB, but at least one if there is one. */
export function firstOf<T extends { readonly payload: Uint8Array }>(
  entries: readonly T[],
  start = 0,
): readonly T[] {
  let bytes = 0;
  let end = start;
  for (; end < entries.length && end < start + maxEntries; end += 1) {
    bytes += entries[end]?.payload.length ?? 0;
    if (bytes > maxBytes && end > start) break;
  }
  return entries.slice(start, end);
}
