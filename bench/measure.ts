import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Figures, Task } from "./results.ts";

const run = promisify(execFile);

/** CPU of this process in microseconds, all its threads and the system calls included. */
export function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Runs `work` and gives the CPU microseconds that it took. */
export async function cpuOf(work: () => Promise<void> | void): Promise<number> {
  const before = cpu();
  await work();
  return cpu() - before;
}

/** Measures in a process of its own, so that nothing is compiled for, or left over from, anything else. */
export async function measureApart(
  worker: URL,
  { what, name, count }: Task,
  profiles: string | undefined,
): Promise<Figures> {
  const flags = ["--expose-gc", "--import=tsx", "--conditions=greenroom-source"];
  if (profiles !== undefined) {
    flags.push(
      "--cpu-prof",
      `--cpu-prof-dir=${profiles}`,
      `--cpu-prof-name=${what}-${name}-${count}.cpuprofile`,
    );
  }
  const args = [...flags, fileURLToPath(worker), what, name, String(count)];
  const { stdout } = await run(process.execPath, args);
  return JSON.parse(stdout) as Figures;
}

/** Bytes of the heap in use. */
export async function usedHeap(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error("Run node with --expose-gc.");
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
    least = Math.min(least, process.memoryUsage().heapUsed);
  }
  return least;
}
