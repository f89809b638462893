import { fileURLToPath } from "node:url";
import { bundled } from "../../support/bundled.ts";
import { startProcess } from "../../support/child-process.ts";

const program = fileURLToPath(new URL("./queue-worker.ts", import.meta.url));

/** One line that a worker process printed: see `queue-worker.ts`. */
export interface Line {
  readonly word: string;
  readonly number: number;
  readonly attempt: number;
}

export interface WorkerProcess {
  readonly lines: readonly Line[];
  readonly isRunning: boolean;
  signal(name: NodeJS.Signals): void;
  readonly exited: Promise<unknown>;
}

export interface WorkerSettings {
  readonly claimAfterMs: number;
  readonly concurrency?: number;
  readonly consumptions?: number;
  /** How much longer each job takes in this process, in milliseconds. */
  readonly addedMs?: number;
}

/** Starts a process that consumes "jobs". Resolves once it is ready. */
export async function startWorkerProcess(
  url: string,
  prefix: string,
  { claimAfterMs, concurrency = 1, consumptions = 1, addedMs = 0 }: WorkerSettings,
): Promise<WorkerProcess> {
  const lines: Line[] = [];
  const read = (text: string) => {
    const [word = "", number, attempt] = text.split(" ");
    lines.push({ word, number: Number(number), attempt: Number(attempt) });
    return word === "ready";
  };
  const numbers = [claimAfterMs, concurrency, consumptions, addedMs].map(String);
  const child = await startProcess(process.execPath, [await bundled(program), url, prefix, ...numbers], read);
  return {
    lines,
    get isRunning() {
      return child.isRunning;
    },
    signal: (name) => {
      if (child.isRunning) process.kill(child.pid, name);
    },
    exited: child.exited,
  };
}

/** The lines of `worker` that begin with `word`. */
export const did = ({ lines }: WorkerProcess, word: string) => lines.filter((line) => line.word === word);
