import { run } from "./child-process.ts";

/** The Redis of this machine: a program on the PATH, or a Docker image. */
export interface RedisCommand {
  readonly command: string;
  /** The arguments that precede the arguments of the server. */
  before(port: number): readonly string[];
  /** The address that the server binds to. */
  readonly bind: string;
  signal(server: { readonly pid: number; readonly port: number }, signal: NodeJS.Signals): Promise<void>;
}

const image = "redis:7-alpine";

/**
 * Finds `redis-server` or `valkey-server`. If there is none, finds docker. If there is no docker, installs a
 * Redis (on Debian as root, on macOS with brew).
 *
 * @throws with the remedy, if all three fail.
 */
export async function findRedis(): Promise<RedisCommand> {
  const found = (await onPath()) ?? (await inDocker()) ?? ((await install()) ? await onPath() : undefined);
  if (found !== undefined) return found;
  throw new Error("The specs start Redis servers: install redis-server (or valkey-server), or start docker.");
}

async function onPath(): Promise<RedisCommand | undefined> {
  for (const command of ["redis-server", "valkey-server"]) {
    if (!(await succeeds(command, "--version"))) continue;
    const signal: RedisCommand["signal"] = async ({ pid }, name) => void process.kill(pid, name);
    return { command, before: () => [], bind: "127.0.0.1", signal };
  }
  return undefined;
}

async function inDocker(): Promise<RedisCommand | undefined> {
  if (!(await succeeds("docker", "info"))) return undefined;
  if (!(await succeeds("docker", "pull", "--quiet", image))) return undefined;
  const nameOf = (port: number) => `greenroom-spec-${port}`;
  return {
    command: "docker",
    before: (port) => [
      ...["run", "--rm", "--name", nameOf(port), "--publish", `127.0.0.1:${port}:${port}`],
      ...[image, "redis-server"],
    ],
    bind: "0.0.0.0",
    async signal({ port }, name) {
      await run("docker", ["kill", "--signal", name, nameOf(port)]);
    },
  };
}

async function install(): Promise<boolean> {
  if (process.platform === "darwin") return succeeds("brew", "install", "redis");
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  // `-qq`, because a program whose output exceeds the buffer of `run` is ended.
  const aptGet = (...args: string[]) => succeeds("apt-get", "-qq", ...args);
  return (await aptGet("update")) && (await aptGet("install", "-y", "redis-server"));
}

async function succeeds(command: string, ...args: string[]): Promise<boolean> {
  try {
    await run(command, args, { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
    return true;
  } catch {
    return false;
  }
}
