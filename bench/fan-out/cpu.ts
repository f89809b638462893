import { readdir, readFile } from "node:fs/promises";

/** What the kernel counts in here, on every architecture that Node runs on. */
const microsPerTick = 10_000;

/**
 * The CPU time of a process since it began, all its threads and the kernel's work for them included, in microseconds;
 * nothing where there is no /proc.
 */
export async function cpuMicrosOf(pid: number): Promise<number | undefined> {
  try {
    return (await exactMicrosOf(pid)) ?? (await ticksOf(pid)) * microsPerTick;
  } catch {
    return undefined;
  }
}

/** What the scheduler has given to the threads that there are; nothing where the kernel keeps no such figures. */
async function exactMicrosOf(pid: number): Promise<number | undefined> {
  const threads = await readdir(`/proc/${pid}/task`);
  let nanos = 0;
  for (const thread of threads) {
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    nanos += Number(text.split(" ", 1)[0]);
  }
  return nanos === 0 ? undefined : nanos / 1_000;
}

/** The same in steps of a hundredth of a second. */
async function ticksOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The second field is the name in parentheses, which may hold anything; utime and stime are the 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
