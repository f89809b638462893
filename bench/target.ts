import { section, short } from "./markdown.ts";
import type { Spread } from "./statistics.ts";

/** Something to reach. */
export interface Target {
  readonly what: string;
  readonly isReached: boolean;
  readonly toReach: string;
  readonly measured: Spread;
}

/** A limit for the median; nothing where it was not measured. */
export function atMost(what: string, limit: number, measured: Spread | undefined): Target[] {
  if (measured === undefined) return [];
  return [{ what, toReach: `≤ ${limit}`, isReached: measured.median <= limit, measured }];
}

/** What was to be reached, and what was, as Markdown. */
export function targetSection(targets: readonly Target[]): string {
  return section(
    "What is to be reached",
    ["", "to reach", "measured", "least to most", ""],
    targets.map(({ what, toReach, isReached, measured }) => [
      what,
      toReach,
      short(measured.median),
      `${short(measured.min)} to ${short(measured.max)}`,
      isReached ? "reached" : "missed",
    ]),
  );
}
