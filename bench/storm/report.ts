import type { Results } from "../harness/results.ts";
import { atMost, median, orDash, section, type Target } from "../harness/tables.ts";
import { rowNames, rows, titleOf } from "./plan.ts";

const titles = Object.fromEntries(rowNames.map((name) => [name, rows[name].title]));

export function sections(results: Results, clients: number): string[] {
  const title = titleOf(clients);
  return [
    section(results, title, title, titles, [
      ...[median("p50 ms", "p50Ms"), median("p95 ms", "p95Ms"), median("all back ms", "lastMs")],
      ...[median("after the window ms", "pastWindowMs"), median("never back", "never")],
      ...[median("attempts", "attempts"), median("without session", "fresh"), median("missing", "missing")],
    ]),
    section(results, "The server and the bystander meanwhile", title, titles, [
      ...[median("bystander p99 ms", "bystanderP99Ms"), median("worst ms", "bystanderWorstMs")],
      ...[median("p99 ms before", "calmP99Ms"), median("loop p99 ms", "loopP99Ms")],
      ...[median("loop worst ms", "loopWorstMs"), orDash(median("CPU ms per client", "cpuMs"))],
    ]),
  ];
}

export function targets(results: Results, clients: number): Target[] {
  const title = titleOf(clients);
  const spread = (figure: string) => results.spread([title, "greenroom"], figure);
  return [
    atMost("all back, in ms after the window", 3_000, spread("pastWindowMs")),
    atMost("clients that came back without their session", 0, spread("fresh")),
    atMost("clients that did not receive the text to their room", 0, spread("missing")),
    atMost("the bystander's p99 in ms", 50, spread("bystanderP99Ms")),
    atMost(
      "the bystander's p99 to that with bare ws",
      1.5,
      results.ratio("bystanderP99Ms", [title, "greenroom"], [title, "ws"]),
    ),
  ];
}
