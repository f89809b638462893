/** Copies the first `maxLength` characters of `text`. The copy does not keep the whole text in memory. */
export function truncate(text: string, maxLength: number): string {
  const isWhole = text.length <= maxLength;
  const copy = Buffer.from(isWhole ? text : text.slice(0, maxLength), "utf16le").toString("utf16le");
  return isWhole ? copy : `${copy}…`;
}

/** Returns the longest start of `text` that has at most `maxBytes` bytes of UTF-8. */
export function truncateBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  // The last character may be cut off, and is replaced by U+FFFD then.
  return bytes
    .subarray(0, maxBytes)
    .toString()
    .replace(/\uFFFD+$/, "");
}
