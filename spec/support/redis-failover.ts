import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { startForwarder } from "./forwarder.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";
import { pauses } from "./waiting.ts";

/** Two servers, and an address that leads each new connection to the server that is selected. */
export interface RedisFailover {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly first: Redis;
  readonly second: Redis;
  readonly servers: readonly [RedisServer, RedisServer];
  /** Leads new connections to a server. Existing connections remain. */
  lead(to: "first" | "second" | "nowhere"): void;
  /** Ends all connections through the address. */
  cut(): void;
  /** Makes the second server the replica of the first. Resolves once it is in step. */
  replicate(): Promise<void>;
  /** Makes the second server the master of the first, and leads new connections to it. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedisFailover(args: readonly string[] = []): Promise<RedisFailover> {
  const folder = await mkdtemp(join(tmpdir(), "greenroom-failover-"));
  // Each server has its own dump file, because either server may become the replica, which writes one.
  const start = (file: string) => {
    const own = ["--dir", folder, "--dbfilename", file, "--repl-diskless-sync-delay", "0"];
    return startRedisServer({ args: [...own, ...args] });
  };
  const servers = [await start("first.rdb"), await start("second.rdb")] as const;
  const [first, second] = servers.map(({ url }) => new Redis(url, { enableReadyCheck: false })) as [
    Redis,
    Redis,
  ];
  for (const client of [first, second]) client.on("error", () => {});
  let target: RedisServer | undefined = servers[0];
  const forwarder = await startForwarder(() => target);
  const { port, cut } = forwarder;
  const lead = (to: "first" | "second" | "nowhere") => {
    target = to === "nowhere" ? undefined : servers[to === "first" ? 0 : 1];
  };
  const follow = async (replica: Redis, master: RedisServer) => {
    await replica.call("REPLICAOF", master.host, master.port);
    const pause = pauses(5);
    while (!(await replica.info("replication")).includes("master_link_status:up")) await pause();
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    host: "127.0.0.1",
    port,
    first,
    second,
    servers,
    lead,
    cut,
    replicate: () => follow(second, servers[0]),
    async failOver() {
      await second.call("REPLICAOF", "NO", "ONE");
      lead("second");
      await follow(first, servers[1]);
    },
    async stop() {
      await forwarder.close();
      for (const client of [first, second]) client.disconnect();
      await Promise.all(servers.map((server) => server.kill()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
