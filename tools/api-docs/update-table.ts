/** The generated part of a row. */
export interface Row {
  /** The cells of the generated columns by heading, or functions of what stands there now. */
  readonly cells: Readonly<Record<string, string | ((now: string) => string)>>;
  /** The description of a row that is not in the table yet. */
  readonly text: string;
}

/** The generated part of a table: the row for each key, which is the first code span or number of its first cell. */
export type Table = ReadonlyMap<string, Row>;

/**
 * Writes the generated parts of the tables of a page. A table follows a line such as `<!-- generated: limits -->`.
 * Its rows keep their order, and their other cells. A row without a key belongs to the row above.
 *
 * @throws {Error} if the page has other generated tables than `tables`.
 */
export function updateTables(page: string, tables: Readonly<Record<string, Table>>): string {
  const marked = [...page.matchAll(/^<!-- generated: ([\w-]+) -->$/gm)].map(([, name]) => name);
  const missing = Object.keys(tables).filter((name) => !marked.includes(name));
  if (missing.length > 0) throw new Error(`The page has no table ${missing.join(", ")}.`);
  return page.replace(
    /(^<!-- generated: ([\w-]+) -->\n+)((?:\|.*\n)+)/gm,
    (_all, marker: string, name: string, lines: string) => {
      const table = tables[name];
      if (table === undefined) throw new Error(`The generated table ${name} is not known.`);
      return marker + updateTable(lines.trimEnd().split("\n"), table);
    },
  );
}

function updateTable([heading = "", line = "", ...lines]: readonly string[], table: Table): string {
  const columns = cellsOf(heading);
  const rows: string[][] = [];
  const found = new Set<string>();
  let isKept = false;
  for (const cells of lines.map(cellsOf)) {
    const key = keyOf(cells[0]);
    const row = table.get(key);
    if (key !== "") isKept = row !== undefined && !found.has(key);
    if (!isKept) continue;
    found.add(key);
    rows.push(row === undefined ? cells : cells.map((cell, index) => generated(row, columns[index], cell)));
  }
  for (const [key, row] of table) {
    if (found.has(key)) continue;
    const [, description] = columns.filter((column, index) => index === 0 || !(column in row.cells));
    rows.push(
      columns.map((column, index) => {
        if (index === 0) return /^\d/.test(key) ? key : `\`${key}\``;
        return column === description ? row.text.replaceAll("|", "\\|") : generated(row, column, "");
      }),
    );
  }
  const written = rows.map((cells) => `| ${cells.join(" | ")} |`.replace(/(?<=\|) {2}(?=\|)/g, " "));
  return `${[heading, line, ...written].join("\n")}\n`;
}

function generated({ cells }: Row, column = "", now: string): string {
  const cell = cells[column] ?? now;
  return typeof cell === "function" ? cell(now) : cell;
}

const cellsOf = (line: string): string[] =>
  line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());

const keyOf = (cell = ""): string => /`(.+?)`/.exec(cell)?.[1] ?? cell;
