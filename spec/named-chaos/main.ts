// `npm run named-chaos -- --increments 100000`: processes increment counters with ids, while processes and Redis fail.
// Then alarms ring undisturbed, under kills and under freezes. Prints the figures, and fails if anything was taken
// twice, lost without a report, or out of order.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startRedisServer } from "../support/redis.ts";
import { startRedisSentinels } from "../support/redis-sentinel.ts";
import { failoverOfCounters, faultsOfCounters, ringAlarms } from "./trials.ts";

const { values } = parseArgs({
  options: {
    increments: { type: "string", default: "1000000" },
    keys: { type: "string", default: "1000" },
    alarms: { type: "string", default: "10000" },
    seconds: { type: "string", default: "60" },
  },
});
const [increments, keys, alarms, seconds] = [
  values.increments,
  values.keys,
  values.alarms,
  values.seconds,
].map(Number) as [number, number, number, number];

const print = (text: string) => void process.stdout.write(`${text}\n`);
const folder = await mkdtemp(join(tmpdir(), "greenroom-chaos-"));
const start = (port?: number) =>
  startRedisServer({
    ...(port !== undefined && { port }),
    args: ["--appendonly", "yes", "--appendfsync", "always", "--dir", folder],
  });
let server = await start();
const restart = async () => {
  await server.kill();
  server = await start(server.port);
};
const place = () => ({
  redis: { url: server.url },
  prefix: `chaos-${randomBytes(6).toString("hex")}`,
  partitions: 256,
});

try {
  if (increments > 0) {
    print(await faultsOfCounters(place(), { keys, increments }, restart));
    const group = await startRedisSentinels({ downAfterMs: 500 });
    const { sentinels, name } = group;
    print(
      await failoverOfCounters(
        { ...place(), redis: { sentinels, name } },
        { keys, increments: increments / 10 },
        () => group.master.kill(),
      ).finally(() => group.stop()),
    );
  }
  for (const how of alarms > 0 ? (["undisturbed", "kills", "freezes"] as const) : [])
    print(await ringAlarms(place(), { alarms, longestMs: seconds * 1_000 }, how));
} catch (error) {
  process.exitCode = 1;
  print(`The chaos has failed: ${error instanceof Error ? error.stack : error}`);
} finally {
  await server.kill();
  await rm(folder, { recursive: true, force: true });
}
process.exit();
