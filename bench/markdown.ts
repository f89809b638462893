import { readFile, writeFile } from "node:fs/promises";

export type Cell = string | number | undefined;
export type Row = readonly Cell[];

/** A table, its first column of text and the others of numbers. */
export function table(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.map((cell) => cell ?? "").join(" | ")} |`;
  const rule = `|${head.map((_, index) => (index === 0 ? "---|" : "--:|")).join("")}`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** A number without its fraction, in groups of three digits. */
export function whole(value: number): string {
  return grouped(Math.round(value));
}

/** A table under a heading. */
export function section(title: string, head: Row, rows: readonly Row[]): string {
  return `### ${title}\n\n${table(head, rows)}\n`;
}

/** A whole number in groups of three digits. */
export const grouped = (value: number): string => value.toLocaleString("en");

/** Three digits that count; nothing for what was not measured. */
export function short(value: number | undefined): string {
  if (value === undefined) return "";
  return value >= 100 ? grouped(Number(value.toPrecision(3))) : value.toPrecision(3);
}

/** Puts `text` between the marks `<!-- name -->` and `<!-- end of name -->`. @throws where a file lacks them. */
export async function fillMarks(file: URL, name: string, text: string): Promise<void> {
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const before = await readFile(file, "utf8");
  const [from, to] = [before.indexOf(start), before.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${file.pathname} lacks the marks ${start} and ${end}.`);
  await writeFile(file, `${before.slice(0, from)}${start}\n\n${text}\n${before.slice(to)}`);
}
