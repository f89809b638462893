import type { Results } from "../harness/results.ts";
import { atMost, median, orDash, section, type Target } from "../harness/tables.ts";
import { floodNames, floods, ours, rowNames, rows } from "./plan.ts";

const titles = Object.fromEntries(rowNames.map((name) => [name, rows[name].title]));

export function sections(results: Results): string[] {
  return floodNames.map((flood) => {
    const { title } = floods[flood];
    return section(results, title, title, titles, [
      ...[median("p50 ms", "p50Ms"), median("p99 ms", "p99Ms"), median("worst ms", "worstMs")],
      ...[median("missing", "missing"), median("normal after ms", "normalMs")],
      ...[median("p50 ms before", "calmP50Ms"), orDash(median("loop p99 ms", "loopP99Ms"))],
      ...[orDash(median("loop worst ms", "loopWorstMs"))],
      ...[orDash(median("frames read/s", "framesPerSecond")), median("cut off", "cutOff")],
    ]);
  });
}

export function targets(results: Results): Target[] {
  return ours.flatMap((row) =>
    floodNames.flatMap((flood) => {
      const { title, limitMs } = floods[flood];
      const spread = (figure: string) => results.spread([title, row], figure);
      const label = `${row === "readme" ? "the README's example" : "the demo"}, ${title}`;
      return [
        atMost(`${label}: the bystander's p99 in ms`, limitMs, spread("p99Ms")),
        atMost(`${label}: missing echoes`, 0, spread("missing")),
        atMost(`${label}: ms until the latency is normal again`, 1_000, spread("normalMs")),
      ];
    }),
  );
}
