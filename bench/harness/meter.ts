import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { cpuMicros } from "./cpu.ts";

/** The figures of a process during a measurement. */
export interface Reading {
  readonly seconds: number;
  readonly cpuMicros: number;
  /** The 99th percentile of the time by which the event loop runs a due timer late, in milliseconds. */
  readonly loopP99Ms: number;
  readonly loopWorstMs: number;
  /** The counts of writing system calls and of bytes read; `undefined` if the system does not count them. */
  readonly io: Io | undefined;
}

export interface Io {
  readonly writes: number;
  readonly readBytes: number;
}

/** The interval of the timer whose delay is measured, in milliseconds. */
const resolution = 2;

/** Measures this process between {@link start} and {@link stop}, with a timer that runs no JavaScript. */
export class Meter {
  #loop: ReturnType<typeof monitorEventLoopDelay> | undefined;
  #startedAt = 0;
  #cpuMicros = 0;
  #io: Io | undefined;

  start(): void {
    this.#loop?.disable();
    this.#loop = monitorEventLoopDelay({ resolution });
    this.#loop.enable();
    this.#io = ioOfProcess();
    this.#startedAt = performance.now();
    this.#cpuMicros = cpuMicros();
  }

  stop(): Reading {
    const cpu = cpuMicros() - this.#cpuMicros;
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    const [before, after] = [this.#io, ioOfProcess()];
    const loop = this.#loop;
    this.#loop = undefined;
    loop?.disable();
    const delay = (intervalNs = Number.NaN) => Math.max(0, intervalNs / 1e6 - resolution);
    const [loopP99Ms, loopWorstMs] = [delay(loop?.percentile(99)), delay(loop?.max)];
    return {
      seconds,
      cpuMicros: cpu,
      loopP99Ms,
      loopWorstMs,
      io: before && after && difference(before, after),
    };
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

/** Adds the readings of several processes. The durations and loop delays are the longest. */
export function sumOf(readings: readonly Reading[]): Reading {
  const ios = readings.map(({ io }) => io);
  const total = (key: keyof Io) => ios.reduce((sum, io) => sum + (io?.[key] ?? 0), 0);
  const longest = (key: "seconds" | "loopP99Ms" | "loopWorstMs") =>
    Math.max(...readings.map((reading) => reading[key]));
  return {
    seconds: longest("seconds"),
    cpuMicros: readings.reduce((sum, reading) => sum + reading.cpuMicros, 0),
    loopP99Ms: longest("loopP99Ms"),
    loopWorstMs: longest("loopWorstMs"),
    io: ios.includes(undefined) ? undefined : { writes: total("writes"), readBytes: total("readBytes") },
  };
}
