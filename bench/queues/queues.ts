import { Redis } from "ioredis";
import type { Backend } from "../../layers/backend.ts";
import { ChannelLayer } from "../../layers/channel-layer.ts";
import { MemoryLayer } from "../../layers/memory/memory-layer.ts";
import { redisServer } from "../../layers/redis/connection/server-options.ts";
import { RedisPubSubBackend } from "../../layers/redis/index.ts";
import { RedisQueues } from "../../layers/redis/jobs/redis-queues.ts";
import { encode } from "../../layers/wire/codec.ts";
import { startRedisServer } from "../../spec/support/redis-server.ts";

/** How many jobs a round has, how many rounds there are, and how many sends are under way at once. */
const [jobs, rounds, inFlight] = [10_000, 5, 100];
const text = "x".repeat(100);
const bytes = encode({ type: "job", text }) as Buffer;

/** What a round took: the whole of it, and per job the CPU of this process and of the server. */
interface Figures {
  readonly perSecond: number;
  readonly nodeMicros: number;
  readonly redisMicros: number;
}

/** Something that sends `jobs` jobs, and then works on them: the two are measured apart. */
interface Contender {
  send(): Promise<unknown>;
  work(concurrency: number): Promise<void>;
}

const server = await startRedisServer();
const admin = new Redis(server.url);

async function redisCpuMicros(): Promise<number> {
  const info = await admin.info("CPU");
  const seconds = (name: string) => Number(new RegExp(`^${name}:(.+)`, "m").exec(info)?.[1]);
  return (seconds("used_cpu_sys") + seconds("used_cpu_user")) * 1e6;
}

async function measured(work: () => Promise<unknown>): Promise<Figures> {
  const redis = await redisCpuMicros();
  const [node, at] = [process.cpuUsage(), performance.now()];
  await work();
  const seconds = (performance.now() - at) / 1_000;
  const { user, system } = process.cpuUsage(node);
  const redisMicros = ((await redisCpuMicros()) - redis) / jobs;
  return { perSecond: jobs / seconds, nodeMicros: (user + system) / jobs, redisMicros };
}

async function sendAll(send: () => Promise<unknown>): Promise<void> {
  for (let sent = 0; sent < jobs; sent += inFlight) await Promise.all(Array.from({ length: inFlight }, send));
}

/** The least that does the same: nothing is retried, renewed, taken over, limited or encoded. */
function bare(): Contender {
  const [commands, reader] = [new Redis(server.url), new Redis(server.url)];
  return {
    // Bytes, as messages are: ioredis writes them with more effort than text.
    send: () => sendAll(() => commands.xadd("bare", "*", "payload", bytes)),
    async work(concurrency) {
      await commands.xgroup("CREATE", "bare", "workers", "0", "MKSTREAM").catch(() => {});
      for (let done = 0; done < jobs; ) {
        const reply = await reader.callBuffer(
          ...(["XREADGROUP", "GROUP", "workers", "one", "COUNT", concurrency, "BLOCK", 1_000] as const),
          ...(["STREAMS", "bare", ">"] as const),
        );
        const entries = (reply as [Buffer, [Buffer, Buffer[]][]])[1];
        await Promise.all(
          entries.map(async ([id]) => {
            await Promise.all([commands.xack("bare", "workers", id), commands.xdel("bare", id)]);
            done += 1;
          }),
        );
      }
    },
  };
}

function ours(layer: ChannelLayer): Contender {
  return {
    send: () => sendAll(() => layer.send("jobs", { type: "job", text })),
    async work(concurrency) {
      let done = 0;
      let end = () => {};
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      const count = () => {
        done += 1;
        if (done === jobs) end();
      };
      const consumption = await layer.consume("jobs", count, { concurrency });
      await ended;
      await consumption.close();
    },
  };
}

function redisLayer(): ChannelLayer {
  const options = { url: server.url, prefix: "bench", queueCapacity: 1_000_000 };
  const groups = new RedisPubSubBackend(options);
  const backend: Backend = Object.assign(groups, {
    queues: new RedisQueues(redisServer(options), () => {}, globalThis),
  });
  return new ChannelLayer(backend, options);
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const contenders: Record<string, Contender> = {
  bare: bare(),
  "on Redis": ours(redisLayer()),
  "in memory": ours(new MemoryLayer({ queueCapacity: 1_000_000 })),
};
const rows: Record<string, Figures[]> = {};
for (let round = 0; round < rounds; round += 1) {
  for (const [name, { send, work }] of Object.entries(contenders)) {
    for (const concurrency of [1, 16]) {
      const sending = await measured(send);
      const working = await measured(() => work(concurrency));
      // The first round warms up.
      if (round === 0) continue;
      rows[`send, ${name}`] = [...(rows[`send, ${name}`] ?? []), sending];
      const row = `work, ${concurrency} at once, ${name}`;
      rows[row] = [...(rows[row] ?? []), working];
    }
  }
}
for (const [name, figures] of Object.entries(rows).sort(([a], [b]) => a.localeCompare(b))) {
  const of = (key: keyof Figures) => median(figures.map((figure) => figure[key]));
  const cells = [of("perSecond").toFixed(0), of("nodeMicros").toFixed(1), of("redisMicros").toFixed(1)];
  process.stdout.write(`| ${name} | ${cells.join(" | ")} |\n`);
}
await server.kill();
process.exit();
