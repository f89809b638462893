/** The cells, by row, of the first table of a page whose heading begins with the words `heading`. */
export function rowsOf(page: string, ...heading: readonly string[]): string[][] {
  const begins = `| ${heading.join(" | ")} |`;
  const lines = page.split("\n");
  const start = lines.findIndex((line) => line.startsWith(begins));
  if (start < 0) throw new Error(`There is no table that begins with ${begins}`);
  const rows = lines.slice(start + 2);
  const end = rows.findIndex((line) => !line.startsWith("|"));
  return rows.slice(0, end < 0 ? rows.length : end).map((row) => row.split(/ ?(?<!\\)\| ?/).slice(1, -1));
}

/** The code spans of a cell. */
export function quotedIn(cell = ""): string[] {
  return [...cell.matchAll(/`(.*?)`/g)].map(([, text = ""]) => text);
}
