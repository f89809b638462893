import { Redis } from "ioredis";
import { startRedisServer } from "../../spec/support/redis-server.ts";
import { runCommand } from "../command.ts";
import { measureJoining, measureSending } from "./measuring.ts";
import { help, type Options, readOptions } from "./options.ts";
import { joinings, joinsAtOnce, ofJoins, sendings } from "./plan.ts";
import { Results } from "./results.ts";
import { countRoundTrips } from "./round-trips.ts";
import { tables } from "./tables.ts";
import { write as writeResults } from "./writing.ts";

function progress(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}

async function main({ runs, messages, only, parts, profiles, write }: Options): Promise<void> {
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  const bench = { url: server.url, redis, profiles };
  const results = new Results();
  try {
    for (let run = 1; run <= runs; run += 1) {
      for (const sending of sendings(messages, parts).filter(({ carrier }) => only.includes(carrier))) {
        const { carrier, room } = sending;
        progress(`run ${run} of ${runs}: ${carrier}, ${room.groups} groups of ${room.members} members`);
        for await (const [{ inFlight }, figures] of measureSending(sending, bench)) {
          results.addSend({ carrier, room, inFlight }, figures);
        }
      }
      for (const joining of joinings(parts).filter(({ carrier }) => only.includes(carrier))) {
        progress(`run ${run} of ${runs}: ${joining.carrier}, joins`);
        for await (const [{ atOnce }, figures] of measureJoining(joining, bench)) {
          results.addJoin(joining.carrier, atOnce, figures);
        }
      }
    }
    for (const carrier of ofJoins.filter((name) => parts.includes("joins") && only.includes(name))) {
      progress(`${carrier}, round trips of joins`);
      for (const atOnce of Object.values(joinsAtOnce)) {
        results.addJoinCost(carrier, atOnce, await countRoundTrips(carrier, atOnce, bench));
      }
    }
    const version = /^redis_version:(.+)$/m.exec(await redis.info("server"))?.[1]?.trim() ?? "unknown";
    process.stdout.write(tables(results));
    if (write) await writeResults(results, { runs, messages, redis: version });
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

await runCommand(readOptions, help, main);
