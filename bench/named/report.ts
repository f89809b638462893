import type { Results } from "../harness/results.ts";
import { atLeast, atMost, median, orDash, range, ratio, section, type Target } from "../harness/tables.ts";
import {
  killedRows,
  killedTitle,
  loadNames,
  loads,
  memoryRows,
  memoryTitle,
  rows,
  sleepingRows,
  sleepingTitle,
} from "./rows.ts";

export function targetsOf(results: Results): Target[] {
  const of = (title: string, row: string, figure: string) => results.spread([title, row], figure);
  const { one, busy, many } = loads;
  return [
    atLeast(`${busy.title}: \`ask\`s per second`, 20_000, of(busy.title, "ask", "perSecond")),
    atLeast(`${busy.title}: \`send\`s per second`, 20_000, of(busy.title, "send", "perSecond")),
    atLeast(`${one.title}: \`ask\`s per second`, 1_000, of(one.title, "ask", "perSecond")),
    atLeast(`${many.title}: \`ask\`s per second`, 10_000, of(many.title, "ask", "perSecond")),
    atMost(`${many.title}: CPU of Redis, µs per \`ask\``, 25, of(many.title, "ask", "redis")),
    atMost(`${sleepingTitle}, p50 ms`, 2, of(sleepingTitle, "ask", "p50Ms")),
    atMost(`${sleepingTitle}, p99 ms`, 10, of(sleepingTitle, "ask", "p99Ms")),
    atMost("Bytes of a sleeping key beyond its snapshot", 150, of(memoryTitle, "sleeping", "more")),
    atMost("The same with a timer", 280, of(memoryTitle, "timer", "more")),
    atMost(`${killedTitle}, longest ms`, 1_000, of(killedTitle, "killed", "worstMs")),
  ];
}

export function sectionsOf(results: Results): string[] {
  const times = [median("p50 ms", "p50Ms"), median("p99 ms", "p99Ms")];
  return [
    ...loadNames.map((name) => {
      const { title } = loads[name];
      return section(results, title, title, rows, [
        ...[median("messages/s", "perSecond"), range("perSecond"), median("CPU allows", "carries")],
        median("Node µs", "node"),
        ...[orDash(median("Redis µs", "redis")), orDash(ratio("to control", "redis", "control")), ...times],
      ]);
    }),
    section(results, sleepingTitle, sleepingTitle, sleepingRows, times),
    section(results, memoryTitle, memoryTitle, memoryRows, [
      ...[median("bytes", "perKey"), median("snapshot", "snapshot"), median("more", "more"), range("more")],
    ]),
    section(results, killedTitle, killedTitle, killedRows, [
      ...[...times, median("longest ms", "worstMs"), range("worstMs")],
    ]),
  ];
}
