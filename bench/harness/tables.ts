import { readFile, writeFile } from "node:fs/promises";
import type { Measurement, Results, Spread } from "./results.ts";

export type Cell = string | undefined;

export interface Column {
  readonly heading: string;
  cell(results: Results, measurement: Measurement): Cell;
}

/** A limit for a figure or ratio. A target whose figure was not measured is skipped. */
export type Target = readonly [title: string, bound: "≤" | "≥", limit: number, measured: Spread | undefined];

export function atMost(title: string, limit: number, measured: Spread | undefined): Target {
  return [title, "≤", limit, measured];
}

export function atLeast(title: string, limit: number, measured: Spread | undefined): Target {
  return [title, "≥", limit, measured];
}

/** A column with medians of a figure. @param title of the measurement; by default the title of the table */
export function median(heading: string, figure: string, title?: string): Column {
  return {
    heading,
    cell: (results, [ownTitle, row]) => short(results.spread([title ?? ownTitle, row], figure)?.median),
  };
}

/** A column with the minimum and the maximum of a figure. */
export function range(figure: string): Column {
  return { heading: "least to most", cell: (results, row) => rangeOf(results.spread(row, figure)) };
}

/** A column with the ratio of a figure to the same figure of the row `control`. */
export function ratio(heading: string, figure: string, control: string): Column {
  return {
    heading,
    cell: (results, row) => short(results.ratio(figure, row, [row[0], control])?.median),
  };
}

/** The column, with a dash for a figure that a row does not have. */
export function orDash(column: Column): Column {
  const cell: Column["cell"] = (results, row) => column.cell(results, row) ?? "–";
  return { ...column, cell };
}

/** A heading and a table of a measurement; empty if nothing was measured. @param rows row titles by name */
export function section(
  results: Results,
  heading: string,
  title: string,
  rows: Readonly<Record<string, string>>,
  columns: readonly Column[],
): string {
  const lines = Object.entries(rows)
    .map(([row, rowTitle]) => [rowTitle, ...columns.map((column) => column.cell(results, [title, row]))])
    .filter(([, ...cells]) => cells.some((cell) => cell !== undefined && cell !== "–"));
  return headed(heading, ["", ...columns.map((column) => column.heading)], lines);
}

export function targetSection(targets: readonly Target[]): string {
  const lines = targets.flatMap((target) => {
    const [title, bound, limit, measured] = target;
    if (measured === undefined) return [];
    const limitText = `${bound} ${limit.toLocaleString("en")}`;
    return [
      [title, limitText, short(measured.median), rangeOf(measured), isReached(target) ? "reached" : "missed"],
    ];
  });
  return headed("Targets", ["", "target", "measured", "least to most", ""], lines);
}

const headed = (heading: string, head: readonly Cell[], lines: readonly (readonly Cell[])[]) =>
  lines.length === 0 ? "" : `### ${heading}\n\n${table(head, lines)}\n`;

export function isReached([, bound, limit, measured]: Target): boolean {
  if (measured === undefined) return false;
  return bound === "≤" ? measured.median <= limit : measured.median >= limit;
}

/** A Markdown table: text in the first column, numbers in the others. */
export function table(head: readonly Cell[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]) => `| ${cells.map((cell) => cell ?? "").join(" | ")} |`;
  const rule = `|${head.map((_, index) => (index === 0 ? "---|" : "--:|")).join("")}`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** A rounded number with thousands separators. */
export const whole = (value: number): string => Math.round(value).toLocaleString("en");

/** A number with three significant digits; `undefined` for `undefined`. */
export function short(value: number | undefined): string | undefined {
  if (value === undefined) return undefined;
  const rounded = value.toPrecision(3);
  return Math.abs(value) < 100 ? rounded : whole(Number(rounded));
}

export function rangeOf(spread: Spread | undefined): Cell {
  return spread && `${short(spread.min)} to ${short(spread.max)}`;
}

/** Replaces the text between `<!-- name -->` and `<!-- end of name -->`. @throws if the marks are missing. */
export async function fillMarks(file: URL, name: string, text: string): Promise<void> {
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const before = await readFile(file, "utf8");
  const [from, to] = [before.indexOf(start), before.indexOf(end)];
  if (from === -1 || to < from)
    throw new Error(`${file.pathname} has no marks ${start} and ${end}: add them.`);
  await writeFile(file, `${before.slice(0, from)}${start}\n\n${text}\n${before.slice(to)}`);
}
