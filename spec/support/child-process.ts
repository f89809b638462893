import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** Runs a program to its end and returns its output. @throws with the output if the program fails. */
export const run = promisify(execFile);

// Without listeners, these signals would end this process without "exit", and child processes would survive.
for (const [signal, number] of [
  ["SIGTERM", 15],
  ["SIGHUP", 1],
] as const) {
  process.once(signal, () => process.exit(128 + number));
}

/** A program that runs beside the specs. It is ended with them at the latest. */
export interface RunningProcess {
  readonly pid: number;
  readonly isRunning: boolean;
  readonly exited: Promise<[code: number | null, signal: NodeJS.Signals | null]>;
  /** Resolves once all output of the program has been read, usually after its end. */
  readonly silent: Promise<unknown>;
}

/**
 * Starts a program. Resolves once `isReady` returns true for a line of its output. `isReady` also receives
 * all later lines.
 *
 * @throws with the output, if the program ends before it is ready.
 */
export async function startProcess(
  command: string,
  args: readonly string[],
  isReady: (line: string) => boolean,
  env: NodeJS.ProcessEnv = process.env,
  cwd: string = process.cwd(),
): Promise<RunningProcess> {
  const child = spawn(command, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  const end = () => child.kill();
  process.once("exit", end);
  const exited = (once(child, "exit") as RunningProcess["exited"]).finally(() => process.off("exit", end));
  const printed: string[] = [];
  const outputs = [child.stdout, child.stderr].map((input) => createInterface({ input }));
  const silent = Promise.all(outputs.map((output) => once(output, "close")));
  const ready = new Promise<void>((resolve) => {
    for (const output of outputs) {
      output.on("line", (line) => {
        printed.push(line);
        if (isReady(line)) resolve();
      });
    }
  });
  const endedEarly = exited.then(() => {
    throw new Error(`${command} ended:\n${printed.join("\n")}`);
  });
  await Promise.race([ready, endedEarly]);
  // From now on, the program's end is not a failure.
  endedEarly.catch(() => {});
  if (child.pid === undefined) throw new Error(`${command} has no process id.`);
  return {
    pid: child.pid,
    get isRunning() {
      return child.exitCode === null && child.signalCode === null;
    },
    exited,
    silent,
  };
}
