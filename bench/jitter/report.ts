import type { Results } from "../harness/results.ts";
import { atLeast, atMost, type Column, median, section, type Target, whole } from "../harness/tables.ts";
import { ours, type RowName, rowNames, rows, type TableName, tableNames, tables } from "./plan.ts";

const titles = Object.fromEntries(rowNames.map((name) => [name, rows[name].title]));

/** A column with the median of a count. */
function count(heading: string, figure: string): Column {
  return {
    heading,
    cell(results, measurement) {
      const spread = results.spread(measurement, figure);
      return spread && whole(spread.median);
    },
  };
}

/** Rounded down, so that a lost message is always visible. */
const delivered: Column = {
  heading: "delivered",
  cell(results, measurement) {
    const spread = results.spread(measurement, "delivered");
    return spread && `${(Math.floor(spread.median * 100) / 100).toFixed(2)} %`;
  },
};

export function sections(results: Results): string[] {
  return tableNames.map((name) =>
    section(results, tables[name], tables[name], titles, [
      ...[delivered, count("duplicated", "duplicated"), count("lost", "lost")],
      ...[count("lost silently", "silentlyLost"), count("gaps announced", "gaps")],
      ...[median("p50 ms", "p50Ms"), median("p99 ms", "p99Ms"), median("worst ms", "worstMs")],
      ...[count("cuts", "cuts"), count("lines of code", "lines")],
    ]),
  );
}

/** The rows that have to deliver everything in each table. */
const complete: Readonly<Record<TableName, readonly RowName[]>> = {
  cut: ours,
  killed: ["greenroom-streams"],
};

export function targets(results: Results): Target[] {
  return tableNames.flatMap((name) =>
    ours.flatMap((row) => {
      const spread = (figure: string) => results.spread([tables[name], row], figure);
      const label = `${rows[row].title.replaceAll("**", "")}${name === "killed" ? ", killed" : ""}`;
      return [
        ...(complete[name].includes(row)
          ? [atLeast(`${label}: delivered, in per cent`, 100, spread("delivered"))]
          : []),
        atMost(`${label}: duplicated`, 0, spread("duplicated")),
        atMost(`${label}: lost silently`, 0, spread("silentlyLost")),
      ];
    }),
  );
}
