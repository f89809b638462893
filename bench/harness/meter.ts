import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { cpuMicros } from "./cpu.ts";

/** The figures of a process during a measurement. */
export interface Reading {
  readonly cpuMicros: number;
  /** The 99th percentile of the time by which the event loop runs a due timer late, in milliseconds. */
  readonly loopP99Ms: number;
  /** The system calls that wrote, and the bytes read; `undefined` if the operating system does not count. */
  readonly io: Io | undefined;
}

export interface Io {
  readonly writes: number;
  readonly readBytes: number;
}

/** The interval of the timer whose delay is measured, in milliseconds. */
const resolution = 2;

/** Measures this process between {@link start} and {@link stop}. It costs one timer that runs no JavaScript. */
export class Meter {
  #loop: ReturnType<typeof monitorEventLoopDelay> | undefined;
  #cpuMicros = 0;
  #io: Io | undefined;

  start(): void {
    this.#loop?.disable();
    this.#loop = monitorEventLoopDelay({ resolution });
    this.#loop.enable();
    this.#io = ioOfProcess();
    this.#cpuMicros = cpuMicros();
  }

  stop(): Reading {
    const cpu = cpuMicros() - this.#cpuMicros;
    const [before, after] = [this.#io, ioOfProcess()];
    const interval = this.#loop?.count ? this.#loop.percentile(99) / 1e6 : Number.NaN;
    this.#loop?.disable();
    this.#loop = undefined;
    const io = before && after && difference(before, after);
    return { cpuMicros: cpu, loopP99Ms: Math.max(0, interval - resolution), io };
  }
}

const difference = (before: Io, after: Io): Io => ({
  writes: after.writes - before.writes,
  readBytes: after.readBytes - before.readBytes,
});

/** Reads the counters of Linux. They contain `read`, `write` and `writev`, but not `recv` and `send`. */
function ioOfProcess(): Io | undefined {
  try {
    const text = readFileSync("/proc/self/io", "latin1");
    const counter = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(text)?.[1]);
    return { writes: counter("syscw"), readBytes: counter("rchar") };
  } catch {
    return undefined;
  }
}

/** Adds the readings of several processes. The loop delay is the longest. */
export function sumOf(readings: readonly Reading[]): Reading {
  const ios = readings.map(({ io }) => io);
  const total = (key: keyof Io) => ios.reduce((sum, io) => sum + (io?.[key] ?? 0), 0);
  return {
    cpuMicros: readings.reduce((sum, reading) => sum + reading.cpuMicros, 0),
    loopP99Ms: Math.max(...readings.map(({ loopP99Ms }) => loopP99Ms)),
    io: ios.includes(undefined) ? undefined : { writes: total("writes"), readBytes: total("readBytes") },
  };
}
