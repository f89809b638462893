import { cpuOf } from "../harness/cpu.ts";

const repetitions = 5;

/**
 * Runs `work` once to warm up, and then repeatedly.
 * @returns the least CPU time of the process in microseconds, because other load only adds CPU time
 */
export async function leastCpuOf(work: () => void): Promise<number> {
  work();
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < repetitions; time += 1) least = Math.min(least, await cpuOf(work));
  return least;
}
