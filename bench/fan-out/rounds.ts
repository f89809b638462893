import { measureGrowth, measureIdle, measureSendings } from "./measuring.ts";
import { growing, growthNames, growths, oneNode, type Part, type Sending, twoNodes } from "./plan.ts";
import type { Results } from "./results.ts";
import type { RowName } from "./rows.ts";
import { type Surroundings, System } from "./system.ts";

export interface Round {
  /** How long is sent in one measurement; half as long at each step of what grows. */
  readonly ms: number;
  readonly only: readonly RowName[];
  readonly parts: readonly Part[];
  /** How messages are sent, where nothing grows. */
  readonly ways: readonly Sending[];
  /** How many connections there can be. */
  readonly most: number;
  /** Hears of what comes next. */
  readonly progress: (text: string) => void;
}

/** Measures everything once: rows that are compared come one after the other. */
export async function measureRound(
  results: Results,
  { ms, only, parts, ways, most, progress }: Round,
  surroundings: Surroundings,
): Promise<void> {
  const each = async (
    names: readonly RowName[],
    what: string,
    work: (row: RowName, system: System) => Promise<void>,
  ) => {
    for (const row of names.filter((name) => only.includes(name))) {
      progress(`${row}, ${what}`);
      await System.with(row, surroundings, (system) => work(row, system));
    }
  };
  const send = async (row: RowName, system: System) => {
    for await (const [way, figures] of measureSendings(system, ways, ms)) {
      results.addSend(row, way, figures);
    }
  };
  if (parts.includes("one")) await each(oneNode, "one node", send);
  if (parts.includes("two")) await each(twoNodes, "two nodes", send);
  if (parts.includes("idle")) {
    await each(oneNode, "connections", async (row, system) => {
      results.addIdle(row, await measureIdle(system, most));
    });
  }
  for (const growth of parts.includes("growth") ? growthNames.map((name) => growths[name]) : []) {
    await each(growing, growth.title, async (row, system) => {
      for await (const [step, figures] of measureGrowth(system, growth, { ms: ms / 2, most })) {
        results.addStep(row, growth, step, figures);
      }
    });
  }
}
