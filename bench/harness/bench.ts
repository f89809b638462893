import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { circumstances } from "./circumstances.ts";
import { helpOf, type OptionTable, type OptionValues, parseOptions, type SharedOptions } from "./options.ts";
import { type BenchRedis, startBenchRedis } from "./redis.ts";
import { Results } from "./results.ts";
import { fillMarks, isReached, short, type Target, targetSection } from "./tables.ts";

type Values<T extends OptionTable> = SharedOptions & OptionValues<T>;

/** One run of a benchmark. It measures the compared rows one after the other. */
export interface Run<T extends OptionTable> {
  /** The number of the run, from 1. */
  readonly number: number;
  readonly options: Values<T>;
  readonly results: Results;
  /** Throws unless the benchmark sets `needsRedis`. */
  readonly redis: BenchRedis;
  /** Prints the name of the next measurement to stderr. */
  progress(text: string): void;
}

export interface Report {
  /** The end of the line that introduces the tables, about the number or duration of measurements. */
  readonly extent: string;
  readonly targets: readonly Target[];
  readonly sections: readonly string[];
}

export interface Bench<T extends OptionTable> {
  /** The folder of the benchmark, with a trailing slash. */
  readonly folder: URL;
  readonly about: string;
  readonly options: T;
  /** Packages whose versions are reported. */
  readonly packages: readonly string[];
  /** The folder from which the packages are resolved. @default `folder` */
  readonly packagesFrom?: URL;
  /** Starts a Redis server. A persistent one writes its log to the disk every second. @default false */
  readonly needsRedis?: boolean | "persistent";
  /** The measurement and the target of the option `--check`. */
  readonly check?: {
    readonly requirement: string;
    readonly options: Partial<Values<T>>;
    target(results: Results): Target;
  };
  measure(run: Run<T>): Promise<void>;
  report(results: Results, options: Values<T>): Report;
  /** Writes results outside the tables of the README. */
  publish?(results: Results): Promise<void>;
}

/** Runs a benchmark with the options of the command line, and writes its tables into its README. */
export async function runBench<T extends OptionTable>(bench: Bench<T>): Promise<void> {
  const options = readOptions(bench);
  if (options === undefined) return;
  // Exits on SIGINT, which also ends the worker processes.
  process.once("SIGINT", () => process.exit(130));
  const redis = bench.needsRedis ? await startBenchRedis(bench.needsRedis === "persistent") : undefined;
  try {
    const machine = await circumstances(
      bench.packages,
      (bench.packagesFrom ?? bench.folder).href,
      redis?.version,
    );
    const results = new Results();
    for (let number = 1; number <= options.runs; number += 1) {
      await bench.measure(createRun(number, options, results, redis));
      const json = JSON.stringify({ machine, options, figures: results }, undefined, 2);
      await writeFile(new URL("results.json", bench.folder), `${json}\n`);
    }
    if (options.check && bench.check) checkTarget(bench.check.target(results));
    else await publish(bench, results, options, machine);
  } finally {
    await redis?.stop();
  }
}

function readOptions<T extends OptionTable>(bench: Bench<T>): Values<T> | undefined {
  try {
    const options = parseOptions(process.argv.slice(2), bench.options);
    if (options?.check && bench.check === undefined) throw new TypeError("This benchmark has no --check.");
    if (options !== undefined) return options.check ? { ...options, ...bench.check?.options } : options;
    const { about, check } = bench;
    process.stdout.write(helpOf(basename(bench.folder.pathname), about, bench.options, check?.requirement));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
  return undefined;
}

function createRun<T extends OptionTable>(
  number: number,
  options: Values<T>,
  results: Results,
  redis: BenchRedis | undefined,
): Run<T> {
  return {
    ...{ number, options, results },
    get redis() {
      if (redis === undefined) throw new Error("This benchmark does not set needsRedis.");
      return redis;
    },
    progress(text) {
      process.stderr.write(
        `${new Date().toISOString().slice(11, 19)} run ${number} of ${options.runs}: ${text}\n`,
      );
    },
  };
}

function checkTarget(target: Target): void {
  const [title, bound, limit, measured] = target;
  process.stdout.write(`${title}: ${short(measured?.median)}; required: ${bound} ${limit}.\n`);
  if (!isReached(target)) process.exitCode = 1;
}

async function publish<T extends OptionTable>(
  bench: Bench<T>,
  results: Results,
  options: Values<T>,
  machine: string,
): Promise<void> {
  const { extent, targets, sections } = bench.report(results, options);
  const tables = [targetSection(targets), ...sections].filter(Boolean).join("\n");
  process.stdout.write(tables);
  if (!options.write) return;
  const intro = `${machine}.\nMedians of ${options.runs} runs${extent}`;
  await fillMarks(new URL("README.md", bench.folder), "results", `${intro}\n\n${tables}`);
  await bench.publish?.(results);
}
