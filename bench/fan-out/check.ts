import { sendings } from "./plan.ts";
import { Results } from "./results.ts";
import { measureRound, type Round } from "./rounds.ts";
import type { Surroundings } from "./system.ts";

const [runs, ms, least] = [3, 500, 2];

/**
 * Whether a delivery costs what it may: half of what it costs with bare ws, at most. The margin is wide, so that noise
 * cannot decide.
 *
 * @returns what to say, and whether it is good news.
 */
export async function check(
  surroundings: Surroundings,
  progress: (text: string) => void,
): Promise<{ readonly isGood: boolean; readonly sentence: string }> {
  const results = new Results();
  const round: Round = {
    ms,
    only: ["ws", "ours"],
    parts: ["one"],
    ways: [sendings.burst],
    most: Number.POSITIVE_INFINITY,
    progress,
  };
  for (let run = 0; run < runs; run += 1) await measureRound(results, round, surroundings);
  const ratio = results.sendRatio(sendings.burst, "cpu", "ws", "ours")?.median ?? Number.NaN;
  const isGood = ratio >= least;
  const sentence =
    `With 20 messages in flight a delivery is ${ratio.toFixed(1)} times cheaper than with bare ws; ` +
    `it ${isGood ? "has" : "would have"} to be ${least} times at least.`;
  return { isGood, sentence };
}
