import { readFile } from "node:fs/promises";

/** What the kernel counts CPU time in, in all its interfaces on every architecture that Node runs on. */
const microsPerTick = 10_000;

/**
 * The CPU time of a process since it began, all its threads and the kernel's work for it included, in microseconds, to a
 * hundredth of a second; nothing where there is no /proc.
 */
export async function cpuMicrosOf(pid: number): Promise<number | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The second field is the name in parentheses, which may hold anything; utime and stime are the 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * microsPerTick;
}
