import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram, type ProxyProgram, writeConfiguration } from "./proxy-programs.ts";

/** A program that has started, and answers. */
export interface Running {
  /** Sends SIGTERM. Resolves once the program has ended. */
  stop(): Promise<void>;
}

/** Starts a program. @throws if it ends before `isReady` resolves to true */
async function start(
  [command, ...args]: readonly [string, ...string[]],
  isReady: () => Promise<boolean>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Running> {
  const child: ChildProcess = spawn(command, args, { env, stdio: ["ignore", "ignore", "inherit"] });
  const exited = once(child, "exit");
  const end = () => child.kill();
  process.once("exit", end);
  const stop = async () => {
    child.kill();
    await exited;
    process.off("exit", end);
  };
  while (!(await isReady().catch(() => false))) {
    const ending = child.exitCode ?? child.signalCode;
    if (ending !== null) throw new Error(`${command} ended with ${ending}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { stop };
}

/** Starts a server. It is ready as soon as its health check succeeds. */
export function startServer(port: number, redisUrl: string): Promise<Running> {
  const program = fileURLToPath(new URL("server.ts", import.meta.url));
  return start([process.execPath, "--import", "tsx", program], () => isOk(port), {
    ...process.env,
    PORT: `${port}`,
    REDIS_URL: redisUrl,
  });
}

/** Starts a proxy with its configuration in a temporary folder. @param ports of the proxy, then of the servers */
export async function startProxy(
  program: ProxyProgram,
  ports: readonly [number, ...number[]],
): Promise<Running> {
  const path = findProgram(program.name);
  if (path === undefined) throw new Error(`${program.name} is not installed`);
  const folder = mkdtempSync(join(tmpdir(), "proxies-example-"));
  writeConfiguration(program, folder, ports);
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const proxy = await start([path, ...program.args(folder)], () => isOk(ports[0]), env);
  const stop = async () => {
    await proxy.stop();
    rmSync(folder, { recursive: true });
  };
  return { stop };
}

/** Starts a Redis server without persistence. */
export function startRedis(port: number): Promise<Running> {
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  return start(["redis-server", ...args], async () => {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
    return true;
  });
}

async function isOk(port: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
}
