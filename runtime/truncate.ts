/** A text, or the beginning of one that is too long: a copy, which does not keep all of it in memory. */
export function clipped(text: string, longest: number): string {
  const isWhole = text.length <= longest;
  const copy = Buffer.from(isWhole ? text : text.slice(0, longest), "utf16le").toString("utf16le");
  return isWhole ? copy : `${copy}…`;
}
