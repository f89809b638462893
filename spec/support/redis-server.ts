import { startProcess } from "./child-process.ts";
import { freePort } from "./free-port.ts";
import { findRedis, type RedisCommand } from "./redis-command.ts";

/** A Redis without persistence, on the loopback address only. */
export interface RedisServer {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Keeps the connections open, but stops the server from answering until {@link resume}. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

export interface RedisServerOptions {
  /** The port. A server can restart at the same address. @default a free port */
  readonly port?: number;
  readonly password?: string;
  readonly args?: readonly string[];
}

let command: Promise<RedisCommand> | undefined;

/** Finds or installs Redis, which may take longer than a spec. */
export function prepareRedis(): Promise<RedisCommand> {
  command ??= findRedis();
  return command;
}

/** Starts a server. Resolves once it accepts connections. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const redis = await prepareRedis();
  const host = "127.0.0.1";
  const port = options.port ?? (await freePort());
  const { password } = options;
  const server = await startProcess(
    redis.command,
    [
      ...redis.before(port),
      ...["--port", String(port), "--bind", redis.bind, "--save", "", "--appendonly", "no"],
      ...(redis.bind === host ? [] : ["--protected-mode", "no"]),
      ...(password === undefined ? [] : ["--requirepass", password, "--masterauth", password]),
      ...(options.args ?? []),
    ],
    (line) => line.includes("eady to accept connections"),
  );
  const login = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
  const signal = (name: NodeJS.Signals) => redis.signal({ pid: server.pid, port }, name);
  const end = async (name: NodeJS.Signals) => {
    if (server.isRunning) await signal(name);
    await server.exited;
  };
  return {
    url: `redis://${login}${host}:${port}`,
    host,
    port,
    pid: server.pid,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    pause: () => signal("SIGSTOP"),
    resume: () => signal("SIGCONT"),
  };
}
