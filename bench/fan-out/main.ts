import { Redis } from "ioredis";
import { startRedisServer } from "../../spec/support/redis-server.ts";
import { runCommand } from "../command.ts";
import { redisCpuMicros } from "../redis-cpu.ts";
import { measureSending } from "./measuring.ts";
import { help, type Options, readOptions } from "./options.ts";
import { members, oneNode, sendings, size, twoNodes } from "./plan.ts";
import { System } from "./system.ts";

async function main({ runs, ms, only, parts, profiles }: Options): Promise<void> {
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  try {
    for (let run = 1; run <= runs; run += 1) {
      const rows = [...(parts.includes("one") ? oneNode : []), ...(parts.includes("two") ? twoNodes : [])];
      for (const name of rows.filter((row) => only.includes(row))) {
        await System.with(name, { redisUrl: server.url, profiles }, async (system) => {
          await system.open(members, { first: 0, count: 1, isMember: true });
          const base = { rooms: 1, size };
          await system.run({ ...base, inFlight: 20, senders: 1, ms });
          for (const { title, inFlight, senders } of Object.values(sendings)) {
            const figures = await measureSending(system, { ...base, inFlight, senders, ms }, () =>
              redisCpuMicros(redis),
            );
            process.stdout.write(
              `${run} ${name}, ${title}: ${figures.cpu.toFixed(3)} µs (Redis ${figures.redis.toFixed(3)}), ${Math.round(figures.perSecond)}/s, ${figures.p50Ms.toFixed(2)} ${figures.p99Ms.toFixed(2)} ms\n`,
            );
          }
        });
      }
    }
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

await runCommand(readOptions, help, main);
