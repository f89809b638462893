import { fileURLToPath } from "node:url";
import { bundled } from "./bundled.ts";
import { run, startProcess } from "./child-process.ts";

type Settings = Readonly<Record<string, string>>;

export type DemoProgram = "main" | "worker" | "send";

const demo = fileURLToPath(new URL("../../demo", import.meta.url));

const argsOf = async (program: DemoProgram, words: readonly string[]) => [
  await bundled(`${demo}/${program}.ts`),
  ...words,
];

const environment = (settings: Settings) => {
  const { PORT: _port, REDIS_URL: _redisUrl, ...rest } = process.env;
  return { ...rest, PORT: "0", ...settings };
};

export interface DemoProgramProcess {
  readonly pid: number;
  /** The output so far; complete once `stop` has resolved. */
  readonly printed: readonly string[];
  /** Sends a signal, and resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface DemoProcess extends DemoProgramProcess {
  readonly url: string;
  readonly inspectorUrl: string;
}

async function start(
  program: DemoProgram,
  words: readonly string[],
  lastWords: string,
  settings: Settings,
): Promise<DemoProgramProcess> {
  const printed: string[] = [];
  const isReady = (line: string) => printed.push(line) > 0 && line.startsWith(lastWords);
  const running = await startProcess(
    process.execPath,
    await argsOf(program, words),
    isReady,
    environment(settings),
  );
  return {
    pid: running.pid,
    printed,
    async stop(signal = "SIGTERM") {
      if (running.isRunning) process.kill(running.pid, signal);
      const [code] = await running.exited;
      await running.silent;
      return code;
    },
  };
}

/** Starts the demo as `npm start` does, on a free port unless `settings` has another `PORT`. */
export async function startDemoProcess(settings: Settings = {}): Promise<DemoProcess> {
  const running = await start("main", [], "Jobs: ", settings);
  const [url, inspectorUrl] = running.printed.join("\n").match(/http:\S+/g) ?? [];
  if (url === undefined || inspectorUrl === undefined)
    throw new Error(`The demo did not print its addresses: ${running.printed.join("\n")}`);
  return { ...running, url, inspectorUrl };
}

export function startWorkerProcess(settings: Settings, ...words: string[]): Promise<DemoProgramProcess> {
  return start("worker", words, "Waiting for jobs.", settings);
}

/** The outcome of a program: exit code, standard output and standard error. */
export interface Ended {
  readonly code: number;
  readonly printed: string;
  readonly said: string;
}

export async function runDemo(
  program: DemoProgram,
  words: readonly string[],
  settings: Settings = {},
): Promise<Ended> {
  const { code, stdout, stderr } = await run(process.execPath, await argsOf(program, words), {
    env: environment(settings),
  }).catch((failure) => failure);
  return { code: code ?? 0, printed: stdout, said: stderr };
}

/** Runs a program of the demo once for each of `runs`, all at the same time. */
export function runDemoOften(
  program: DemoProgram,
  runs: readonly (readonly [words: readonly string[], settings?: Settings])[],
): Promise<Ended[]> {
  return Promise.all(runs.map(([words, settings]) => runDemo(program, words, settings)));
}
