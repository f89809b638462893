/** What one measurement gives. */
export type Figures = Readonly<Record<string, number>>;

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
