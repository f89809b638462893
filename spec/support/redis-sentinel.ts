import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { startProcess } from "./child-process.ts";
import { freePort } from "./free-port.ts";
import { prepareRedis, type RedisServer, startRedisServer } from "./redis-server.ts";

/** A master, its replica, and three Sentinels that watch both. */
export interface RedisSentinels {
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  readonly name: string;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  masterPort(): Promise<number>;
  /** Makes the Sentinels consider a server dead that is silent for `ms`, and start a failover. */
  watch(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisSentinelsOptions {
  readonly password?: string;
  /**
   * The time after which the Sentinels consider a silent server dead and start a failover, in milliseconds.
   *
   * @default 3600000, because even a healthy server is silent for a while on a busy machine
   */
  readonly downAfterMs?: number;
}

const host = "127.0.0.1";
const name = "mymaster";

/** Starts the servers. Resolves once a failover would work. */
export async function startRedisSentinels({
  password,
  downAfterMs = 3_600_000,
}: RedisSentinelsOptions = {}): Promise<RedisSentinels> {
  const login = password === undefined ? {} : { password };
  const folder = await mkdtemp(join(tmpdir(), "greenroom-sentinel-"));
  // Each server has its own dump file, because either server may become the replica, which writes one. By
  // default, a master waits five seconds for more replicas.
  const start = (file: string, ...args: string[]) => {
    const own = ["--dir", folder, "--dbfilename", file, "--repl-diskless-sync-delay", "0"];
    return startRedisServer({ ...login, args: [...own, ...args] });
  };
  const master = await start("first.rdb");
  const replica = await start("second.rdb", "--replicaof", host, String(master.port));
  const sentinels = await Promise.all(
    [1, 2, 3].map(() => startSentinel(folder, master.port, downAfterMs, password)),
  );
  const clients = sentinels.map(({ port }) => new Redis({ host, port, retryStrategy: null }));
  for (const client of clients) client.on("error", () => {});
  // The default periods are two and ten seconds. Older servers lack `DEBUG`, so they take longer.
  const often = ["PUBLISH-PERIOD", 200, "INFO-PERIOD", 200];
  await Promise.all(clients.map((client) => client.call("SENTINEL", "DEBUG", ...often).catch(() => {})));
  const facts = async (client: Redis) => {
    const list = (await client.call("SENTINEL", "MASTER", name)) as string[];
    return Object.fromEntries(list.flatMap((key, index) => (index % 2 ? [] : [[key, list[index + 1]]])));
  };
  const isReady = async (client: Redis) => {
    const { flags, "num-slaves": replicas, "num-other-sentinels": others } = await facts(client);
    if (flags !== "master" || replicas !== "1" || others !== "2") return false;
    const [known] = (await client.call("SENTINEL", "REPLICAS", name)) as string[][];
    return known?.[known.indexOf("master-link-status") + 1] === "ok";
  };
  for (const client of clients) {
    while (!(await isReady(client))) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    sentinels: sentinels.map(({ port }) => ({ host, port })),
    name,
    master,
    replica,
    masterPort: async () => Number((await facts(clients[0] as Redis)).port),
    async watch(ms) {
      const setting = [name, "down-after-milliseconds", ms] as const;
      await Promise.all(clients.map((client) => client.call("SENTINEL", "SET", ...setting)));
    },
    async stop() {
      for (const client of clients) client.disconnect();
      await Promise.all(sentinels.map((sentinel) => sentinel.stop()));
      await Promise.all([master.kill(), replica.kill()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startSentinel(
  folder: string,
  masterPort: number,
  downAfterMs: number,
  password: string | undefined,
) {
  const { command } = await prepareRedis();
  if (command === "docker") throw new Error("The specs of Sentinel need a local redis-server: install it.");
  const port = await freePort();
  const file = join(folder, `${port}.conf`);
  const lines = [
    `port ${port}`,
    `bind ${host}`,
    `dir ${folder}`,
    `sentinel monitor ${name} ${host} ${masterPort} 2`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} 5000`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${name} ${password}`]),
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  const server = await startProcess(command, [file, "--sentinel"], (line) => line.includes("+monitor"));
  return {
    port,
    async stop() {
      if (server.isRunning) process.kill(server.pid, "SIGKILL");
      await server.exited;
    },
  };
}
