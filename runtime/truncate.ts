/** Copies the first `maxLength` characters of `text`. The copy does not keep the whole text in memory. */
export function truncate(text: string, maxLength: number): string {
  const isWhole = text.length <= maxLength;
  const copy = Buffer.from(isWhole ? text : text.slice(0, maxLength), "utf16le").toString("utf16le");
  return isWhole ? copy : `${copy}…`;
}
