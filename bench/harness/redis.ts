import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { startRedisServer } from "../../spec/support/redis-server.ts";

/** The benchmark's own Redis server, on a free port. */
export interface BenchRedis {
  readonly url: string;
  readonly client: Redis;
  readonly version: string;
  /** CPU time of the server since its start, in microseconds. */
  cpuMicros(): Promise<number>;
  stop(): Promise<void>;
}

/** @param isPersistent whether the server appends all writes to a file, which it syncs every second */
export async function startBenchRedis(isPersistent: boolean): Promise<BenchRedis> {
  const folder = isPersistent ? await mkdtemp(join(tmpdir(), "greenroom-bench-")) : undefined;
  const args =
    folder === undefined ? [] : ["--appendonly", "yes", "--appendfsync", "everysec", "--dir", folder];
  const server = await startRedisServer({ args });
  const client = new Redis(server.url);
  const info = async (section: string) => {
    const text = await client.info(section);
    return (name: string) => new RegExp(`^${name}:(.+)`, "m").exec(text)?.[1]?.trim() ?? "unknown";
  };
  return {
    url: server.url,
    client,
    version: (await info("server"))("redis_version"),
    async cpuMicros() {
      const seconds = await info("cpu");
      return (Number(seconds("used_cpu_user")) + Number(seconds("used_cpu_sys"))) * 1e6;
    },
    async stop() {
      client.disconnect();
      await server.stop();
      if (folder !== undefined) await rm(folder, { recursive: true });
    },
  };
}
