import { Redis } from "ioredis";
import { startRedisServer } from "../../spec/support/redis-server.ts";
import { runCommand } from "../command.ts";
import { redisCpuMicros } from "../redis-cpu.ts";
import { check } from "./check.ts";
import { mostConnections } from "./open-files.ts";
import { help, type Options, readOptions } from "./options.ts";
import { mostWanted, sendings } from "./plan.ts";
import { Results } from "./results.ts";
import { measureRound } from "./rounds.ts";
import { tables } from "./tables.ts";
import { write as writeResults } from "./writing.ts";

// What runs beside this process ends when it exits, which it would not do by itself.
process.once("SIGINT", () => process.exit(130));

function progress(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}

async function main(options: Options): Promise<void> {
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  const { profiles } = options;
  const surroundings = { redisUrl: server.url, redisMicros: () => redisCpuMicros(redis), profiles };
  try {
    if (options.check) {
      const { isGood, sentence } = await check(surroundings, progress);
      process.stdout.write(`${sentence}\n`);
      if (!isGood) process.exitCode = 1;
      return;
    }
    const most = await mostConnections();
    if (most < mostWanted)
      progress(`Open files are limited: there will be ${most} connections, and no more.`);
    const [results, ways] = [new Results(), Object.values(sendings)];
    for (let run = 1; run <= options.runs; run += 1) {
      const announce = (text: string) => progress(`run ${run} of ${options.runs}: ${text}`);
      await measureRound(results, { ...options, ways, most, progress: announce }, surroundings);
    }
    process.stdout.write(tables(results));
    const version = /^redis_version:(.+)$/m.exec(await redis.info("server"))?.[1]?.trim() ?? "unknown";
    if (options.write) await writeResults(results, { ...options, redis: version, most });
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

await runCommand(readOptions, help, main);
