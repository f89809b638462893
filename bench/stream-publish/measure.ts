import { Redis } from "ioredis";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { encode } from "../../layers/codec.ts";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../layers/redis/index.ts";
import { startRedisServer } from "../../spec/support/redis.ts";

const messages = 20_000;
const inFlight = 100;
const runs = 7;
const message = { type: "message", text: "x".repeat(100) };

/** CPU in microseconds per message: of this process, and of Redis. */
interface Cost {
  readonly node: number;
  readonly redis: number;
}

const server = await startRedisServer();
const raw = new Redis(server.url);
const subscriber = new Redis(server.url);
const payload = Buffer.from(encode(message));
const inbox = { deliver() {}, gap() {} };

const pubsub = new RedisPubSubLayer({ url: server.url, prefix: "pubsub" });
const streams = new RedisStreamsLayer({ url: server.url, prefix: "streams" });
// The number of other groups that the node is in.
const crowded = new RedisStreamsLayer({ url: server.url, prefix: "crowded" });

const candidates: Record<string, () => Promise<unknown>> = {
  "bare PUBLISH": () => raw.publish("bare", payload),
  RedisPubSubLayer: () => pubsub.groupSend("room", message),
  RedisStreamsLayer: () => streams.groupSend("room", message),
  "RedisStreamsLayer, 10,000 groups": () => crowded.groupSend("room", message),
};

async function redisCpu(): Promise<number> {
  const info = await raw.info("cpu");
  const seconds = (name: string) => Number(new RegExp(`used_cpu_${name}:([\\d.]+)`).exec(info)?.[1]);
  return (seconds("user") + seconds("sys")) * 1_000_000;
}

async function measure(publish: () => Promise<unknown>): Promise<Cost> {
  const [redis, node] = [await redisCpu(), process.cpuUsage()];
  for (let sent = 0; sent < messages; sent += inFlight) {
    await Promise.all(Array.from({ length: inFlight }, publish));
  }
  const { user, system } = process.cpuUsage(node);
  return { node: (user + system) / messages, redis: ((await redisCpu()) - redis) / messages };
}

async function join(layer: ChannelLayer, ...groups: string[]): Promise<void> {
  const channel = await layer.newChannel(inbox);
  await Promise.all(groups.map((group) => layer.groupAdd(group, channel)));
}

const median = (values: number[]) =>
  values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function table(title: string): Promise<void> {
  const costs = new Map(Object.keys(candidates).map((name) => [name, [] as Cost[]]));
  for (let run = 0; run < runs; run += 1) {
    for (const [name, publish] of Object.entries(candidates)) {
      costs.get(name)?.push(await measure(publish));
    }
  }
  process.stdout.write(`\n${title}: µs of CPU per message\n`);
  for (const [name, all] of costs) {
    const node = median(all.map((cost) => cost.node));
    const redis = median(all.map((cost) => cost.redis));
    const sum = (node + redis).toFixed(1);
    process.stdout.write(
      `${name.padEnd(34)} node ${node.toFixed(1)}  Redis ${redis.toFixed(1)}  sum ${sum}\n`,
    );
  }
}

await Promise.all([pubsub, streams, crowded].map((layer) => layer.ready()));
await table("Published to nobody");
await subscriber.subscribe("bare");
subscriber.on("messageBuffer", () => {});
await join(pubsub, "room");
await join(streams, "room");
await join(crowded, "room", ...Array.from({ length: 10_000 }, (_, index) => `other-${index}`));
await table("Published, and received by one member in the same process");

await Promise.all([pubsub, streams, crowded].map((layer) => layer.close()));
raw.disconnect();
subscriber.disconnect();
await server.stop();
