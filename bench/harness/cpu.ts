/** CPU time of this process in microseconds, including all threads, system calls and garbage collection. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Runs `work`. @returns the CPU time of the process meanwhile, in microseconds */
export async function cpuOf(work: () => Promise<unknown> | unknown): Promise<number> {
  const before = cpuMicros();
  await work();
  return cpuMicros() - before;
}

export interface Cost {
  readonly cpuMicros: number;
  readonly seconds: number;
}

/** Runs `work`. @returns the CPU time of the process meanwhile, and the duration of `work` */
export async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const from = performance.now();
  const micros = await cpuOf(work);
  return { cpuMicros: micros, seconds: (performance.now() - from) / 1_000 };
}
