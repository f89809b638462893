import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { exitWithError, requireRedisUrl } from "./environment.ts";

// `npm run start:all` runs the demo's server and a worker, and ends both together.

const help = `Starts the demo's server and a worker, and ends both with one Ctrl+C.

  REDIS_URL=redis://localhost:6399 npm run start:all

If one of them ends, the other one ends, too. The exit code is that of the first one that failed. The variables
of npm start, such as PORT, have the same effect here.

  --help
`;

const programs: Readonly<Record<string, string>> = { server: "main.ts", worker: "worker.ts" };

/** Each program ends by itself within nine seconds after a signal. */
const killMs = 12_000;

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Starts a program. Each line of its output gets its name. */
function start(name: string, file: string): ChildProcess {
  const endWithParent = new URL("end-with-parent.ts", import.meta.url).href;
  const words = [...process.execArgv, "--import", endWithParent, pathOf(file)];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe", "ipc"] });
  for (const stream of ["stdout", "stderr"] as const) {
    createInterface({ input: child[stream] as NodeJS.ReadableStream }).on("line", (line) => {
      process[stream].write(`${name} | ${line}\n`);
    });
  }
  return child;
}

/** Resolves with the exit code of `child`, and 128 plus the number of a signal, once its output is complete. */
async function ended(child: ChildProcess): Promise<number> {
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + constants.signals[signal ?? "SIGKILL"];
}

async function runAll(): Promise<void> {
  const children = Object.entries(programs).map(([name, file]) => start(name, file));
  let isEnding = false;
  const end = (signal: NodeJS.Signals) => {
    // A terminal sends Ctrl+C to all processes, and npm sends it to this one once more.
    if (isEnding) return;
    isEnding = true;
    for (const child of children) child.kill(signal);
    setTimeout(() => children.map((child) => child.kill("SIGKILL")), killMs).unref();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => end(signal === "SIGHUP" ? "SIGTERM" : signal));
  }
  let failure = 0;
  await Promise.all(
    children.map(async (child) => {
      const code = await ended(child);
      failure ||= code;
      end("SIGTERM");
    }),
  );
  process.exit(failure);
}

try {
  if (process.argv.includes("--help")) {
    process.stdout.write(help);
  } else {
    requireRedisUrl(
      process.env.REDIS_URL,
      "without Redis the demo's server runs the jobs itself: use npm start.",
    );
    await runAll();
  }
} catch (error) {
  exitWithError("Nothing was started.", error);
}
