// Reads the settings of the demo's programs from the environment, and reports errors.
import { type LogLevel, logLevels } from "./log.ts";

export function readPort(value = "8080"): number {
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= 65_535) return port;
  throw new Error(`PORT is "${value}"; it must be a number from 0 to 65535.`);
}

export function readDrainMs(value = "8000"): number {
  const drainMs = Number(value);
  // The process exits 9 seconds after the signal, so a longer drain could not finish.
  if (/^\d+$/.test(value) && drainMs <= 8_000) return drainMs;
  throw new Error(`DRAIN_MS is "${value}"; it must be a number of milliseconds from 0 to 8000.`);
}

export function readRedisUrl(value = ""): string | undefined {
  if (value === "" || /^rediss?:\/\/./.test(value)) return value || undefined;
  throw new Error("REDIS_URL must look like redis://localhost:6379, or rediss://… for TLS.");
}

export function readLogLevel(value = "warn"): LogLevel {
  const level = logLevels.find((name) => name === value);
  if (level !== undefined) return level;
  throw new Error(`LOG_LEVEL is "${value}"; it must be one of ${logLevels.join(", ")}.`);
}

/** The reverse proxies in front of the demo: their number, or a list as in the option `trustProxy` of a runtime. */
export const readTrustProxy = (value = ""): number | string | false =>
  /^\d+$/.test(value) ? Number(value) : value || false;

export function requireRedisUrl(value: string | undefined, why: string): string {
  const url = readRedisUrl(value);
  if (url !== undefined) return url;
  throw new Error(
    `REDIS_URL is not set: ${why} Start this program and the demo with the same REDIS_URL, such as redis://localhost:6399.`,
  );
}

/** The message of `error` with a remedy. @param instead another remedy if Redis does not answer */
function explain(error: unknown, instead: string): string {
  const { code = "", message, port = 0 } = error as Error & { code?: string; port?: number };
  if (code.startsWith("ERR_PARSE_ARGS_")) return `${message.split("\n")[0]?.replace(/\.$/, "")}. See --help.`;
  switch (code) {
    case "EADDRINUSE":
      return `Port ${port} is taken: stop its listener, or choose another port, such as PORT=${port + 1}.`;
    case "ERR_LAYER_UNAVAILABLE":
      return `${message.replace(/\.$/, "")}. Start a server there (\`docker compose up -d\` starts one at redis://localhost:6399)${instead}.`;
    default:
      return message;
  }
}

/** Prints the error with a remedy, and exits with 1. */
export function exitWithError(failure: string, error: unknown, instead = ""): never {
  process.stderr.write(`${failure} ${explain(error, instead)}\n`);
  process.exit(1);
}

const exitMs = 9_000;

/** On the first SIGTERM or SIGINT, prints `notice`, calls `close`, and exits with 0. Ignores later ones. */
export function closeOnSignal(notice: string, close: () => Promise<void>): void {
  let isClosing = false;
  const stop = () => {
    // Under npm, Ctrl+C arrives twice: from the terminal, and from npm. Without a listener, the second one kills.
    if (isClosing) return;
    isClosing = true;
    process.stdout.write(`${notice}\n`);
    setTimeout(() => process.exit(0), exitMs).unref();
    void close().finally(() => process.exit(0));
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}
