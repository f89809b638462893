import { fileURLToPath } from "node:url";
import { run, startProcess } from "./child-process.ts";

const main = fileURLToPath(new URL("../../demo/main.ts", import.meta.url));
const args = ["--import=tsx", "--conditions=greenroom-source", main];

const environment = (settings: Readonly<Record<string, string>>) => {
  const { PORT: _port, REDIS_URL: _redisUrl, ...rest } = process.env;
  return { ...rest, PORT: "0", ...settings };
};

export interface DemoProcess {
  readonly url: string;
  /** Sends it a signal, and gives its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** What it printed until it was ready. */
  readonly printed: readonly string[];
}

/** Starts the demo as `npm start` does, on a free port unless `settings` says otherwise. */
export async function startDemoProcess(
  settings: Readonly<Record<string, string>> = {},
): Promise<DemoProcess> {
  const printed: string[] = [];
  const isReady = (line: string) => printed.push(line) > 0 && line.startsWith("Jobs: ");
  const running = await startProcess(process.execPath, args, isReady, environment(settings));
  const url = /http:\S+/.exec(printed.join("\n"))?.[0];
  if (url === undefined) throw new Error(`The demo printed no address: ${printed.join("\n")}`);
  return {
    url,
    printed,
    async stop(signal = "SIGTERM") {
      if (running.isRunning) process.kill(running.pid, signal);
      const [code] = await running.exited;
      return code;
    },
  };
}

/** Starts a demo that cannot, and gives its exit code and what it said. */
export async function failDemoProcess(
  settings: Readonly<Record<string, string>>,
): Promise<{ readonly code: number; readonly said: string }> {
  const failure = await run(process.execPath, args, { env: environment(settings) }).catch((error) => error);
  return { code: failure.code ?? 0, said: failure.stderr };
}
