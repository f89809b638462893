// A server process of the soak. Arguments: the address of Redis, and the milliseconds of its drain. Prints its port.
// GET /report answers with its figures. SIGTERM drains the process, and ends it.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRuntime } from "greenroom";
import { RedisPubSubLayer, RedisStreamsLayer } from "greenroom/redis";
import { Redis } from "ioredis";
import { Echo, Jobs, Lobby, Room } from "./rooms.ts";

/** The figures of a node. */
export interface NodeReport {
  readonly actors: number;
  /** The number of keys that are present in all groups of the soak. */
  readonly present: number;
  /** The bytes of the heap after a garbage collection. */
  readonly heapBytes: number;
  /** The number of active handles, by kind. */
  readonly handles: Readonly<Record<string, number>>;
  readonly refused: number;
}

const [url = "", drainMs = "2000"] = process.argv.slice(2);
const historyMs = 20_000;

const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: null });
redis.on("error", () => {});
const layers = {
  streams: new RedisStreamsLayer({ url, prefix: "soak", expiryMs: historyMs, capacity: 5_000 }),
  pubsub: new RedisPubSubLayer({ url, prefix: "soak" }),
};
const runtime = createRuntime({
  layers,
  control: "pubsub",
  nodeHeartbeatMs: 500,
  pingIntervalMs: 2_000,
  maxLagMs: 3_000,
  // All clients have one address, and return together.
  maxConnectionsPerAddress: 20_000,
  maxUpgradesPerSecond: 20_000,
  maxUpgradeBurst: 20_000,
  // The faults of the soak cause many errors. A wrong end of a message shows in the ledgers.
  onError() {},
});
runtime.route(Room);
runtime.route(Lobby);
runtime.route("/echo", Echo);
runtime.route("/jobs", Jobs);
const server = createServer(async (request, response) => {
  if (request.url === "/report") response.end(JSON.stringify(await report()));
  else if (!runtime.handleRequest(request, response)) response.writeHead(404).end();
});

async function report(): Promise<NodeReport> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const handles: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1;
  return {
    actors: runtime.size,
    present: Array.from({ length: 10 }, (_, index) => runtime.presenceCount(`room_${index}`)).reduce(
      (sum, count) => sum + count,
    ),
    heapBytes: process.memoryUsage().heapUsed,
    handles,
    refused: runtime.counters().refused,
  };
}

await runtime.ready();
await runtime.worker(
  "squares",
  async ({ number }) => {
    await redis.sadd("squares-done", Number(number));
  },
  { layer: "streams" },
);
server.listen(0, "127.0.0.1");
await once(server, "listening");
runtime.attach(server);
process.once("SIGTERM", async () => {
  await runtime.close({ drainMs: Number(drainMs) });
  process.exit(0);
});
process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`);
