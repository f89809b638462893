// What all programs of the demo read from their environment, and how they say that they cannot do their work.

/** @throws {Error} saying what a port is. */
export function readPort(value = "8080"): number {
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= 65_535) return port;
  throw new Error(`PORT is "${value}"; it must be a number from 0 to 65535.`);
}

/** @returns how long connections may take to close, in milliseconds. @throws {Error} saying what that is. */
export function readDrainMs(value = "8000"): number {
  const drainMs = Number(value);
  // Beyond that, the process would end before.
  if (/^\d+$/.test(value) && drainMs <= 8_000) return drainMs;
  throw new Error(`DRAIN_MS is "${value}"; it must be a number of milliseconds from 0 to 8000.`);
}

/** @returns undefined where layers are in memory. @throws {Error} saying how an address looks. */
export function readRedisUrl(value = ""): string | undefined {
  if (value === "" || /^rediss?:\/\/./.test(value)) return value || undefined;
  throw new Error("REDIS_URL must look like redis://localhost:6379, or rediss://… for TLS.");
}

/** @throws {Error} saying `why` there has to be a Redis. */
export function readNeededRedisUrl(value: string | undefined, why: string): string {
  const url = readRedisUrl(value);
  if (url !== undefined) return url;
  throw new Error(
    `REDIS_URL is not set${why} Start the demo and this with the same one, such as REDIS_URL=redis://localhost:6399.`,
  );
}

/** What went wrong, and what to do about it. @param instead what else can be done where Redis does not answer. */
function explain(error: unknown, instead: string): string {
  const { code = "", message, port = 0 } = error as Error & { code?: string; port?: number };
  if (code.startsWith("ERR_PARSE_ARGS_")) return `${message.split("\n")[0]?.replace(/\.$/, "")}. See --help.`;
  switch (code) {
    case "EADDRINUSE":
      return `Port ${port} is taken: stop what listens there, or choose another one, such as PORT=${port + 1}.`;
    case "ERR_LAYER_UNAVAILABLE":
      return `${message.replace(/\.$/, "")}. Start one there (\`docker compose up -d\` does, at redis://localhost:6399)${instead}.`;
    default:
      return message;
  }
}

/** Says why, and ends the process. */
export function giveUp(what: string, error: unknown, instead = ""): never {
  process.stderr.write(`${what} ${explain(error, instead)}\n`);
  process.exit(1);
}

/** After so long a program ends, whatever still runs, in milliseconds. */
const exitMs = 9_000;

/** On SIGTERM or SIGINT: closes, and ends the process with 0. */
export function closeOnSignal(words: string, close: () => Promise<void>): void {
  const stop = () => {
    process.stdout.write(`${words}\n`);
    setTimeout(() => process.exit(0), exitMs).unref();
    void close().finally(() => process.exit(0));
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}
