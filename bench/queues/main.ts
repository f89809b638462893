import { type ChannelLayer, MemoryLayer } from "greenroom";
import { RedisStreamsLayer } from "greenroom/redis";
import { Redis } from "ioredis";
import { encode } from "../../layers/wire/codec.ts";
import { type Run, runBench } from "../harness/bench.ts";
import { costOf } from "../harness/cpu.ts";
import type { BenchRedis } from "../harness/redis.ts";
import type { Figures } from "../harness/results.ts";
import { median, range, section, whole } from "../harness/tables.ts";

const options = { jobs: { default: 10_000, short: 2_000, help: "jobs per measurement" } };

/** The number of concurrent sends. */
const inFlight = 100;
const concurrencies = [1, 16];
const text = "x".repeat(100);
const bytes = encode({ type: "job", text }) as Buffer;
const rows = { bare: "bare (control)", redis: "on Redis", memory: "in memory" } as const;
const workTitle = (concurrency: number) => `Work, ${concurrency} at once`;

/** A queue. Sending and processing jobs are measured separately. */
interface Queue {
  send(): Promise<unknown>;
  work(jobs: number, concurrency: number): Promise<void>;
  close(): Promise<void>;
}

/** The control: a minimal queue without retries, leases, limits or encoding. */
function bare(url: string): Queue {
  const [commands, reader] = [new Redis(url), new Redis(url)];
  return {
    // Sends bytes, as the layer does, because writing bytes costs ioredis more than writing text.
    send: () => commands.xadd("bare", "*", "payload", bytes),
    async work(jobs, concurrency) {
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
    async close() {
      commands.disconnect();
      reader.disconnect();
    },
  };
}

function ours(layer: ChannelLayer): Queue {
  return {
    send: () => layer.send("jobs", { type: "job", text }),
    async work(jobs, concurrency) {
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
    close: () => layer.close(),
  };
}

const openQueue: Readonly<Record<keyof typeof rows, (url: string) => Queue>> = {
  bare,
  redis: (url) => ours(new RedisStreamsLayer({ url, prefix: "bench", queueCapacity: 1_000_000 })),
  memory: () => ours(new MemoryLayer({ queueCapacity: 1_000_000 })),
};

const queues = new Map<keyof typeof rows, Queue>();

/** Measures `work`. The CPU of this process and of the server is in microseconds per job. */
async function figuresOf(
  redis: BenchRedis | undefined,
  jobs: number,
  work: () => Promise<unknown>,
): Promise<Figures> {
  const before = await redis?.cpuMicros();
  const { cpuMicros, seconds } = await costOf(work);
  const figures = { perSecond: jobs / seconds, node: cpuMicros / jobs };
  if (redis === undefined || before === undefined) return figures;
  return { ...figures, redis: ((await redis.cpuMicros()) - before) / jobs };
}

async function measureAll({ results, redis, progress }: Run<typeof options>, jobs: number, keeps = true) {
  for (const [row, queue] of queues) {
    progress(keeps ? row : `${row}, warming up`);
    const sendAll = async () => {
      for (let sent = 0; sent < jobs; sent += inFlight) {
        await Promise.all(Array.from({ length: inFlight }, () => queue.send()));
      }
    };
    const server = row === "memory" ? undefined : redis;
    for (const concurrency of concurrencies) {
      const sending = await figuresOf(server, jobs, sendAll);
      const working = await figuresOf(server, jobs, () => queue.work(jobs, concurrency));
      if (!keeps) continue;
      results.add(["Send", row], sending);
      results.add([workTitle(concurrency), row], working);
    }
  }
}

await runBench({
  folder: new URL("./", import.meta.url),
  about: "Measures the cost of a work queue, compared with bare ioredis.",
  options,
  packages: ["ioredis"],
  needsRedis: true,
  async measure(run) {
    const { number, options, redis } = run;
    if (number === 1) {
      for (const row of Object.keys(rows) as (keyof typeof rows)[])
        queues.set(row, openQueue[row](redis.url));
      await measureAll(run, options.jobs, false);
    }
    await measureAll(run, options.jobs);
    if (number === options.runs) for (const queue of queues.values()) await queue.close();
  },
  report: (results, { jobs }) => ({
    extent: ` after one to warm up; ${whole(jobs)} jobs of about 115 bytes in each measurement.`,
    targets: [],
    sections: ["Send", ...concurrencies.map(workTitle)].map((title) =>
      section(results, title, title, rows, [
        ...[median("jobs/s", "perSecond"), median("Node µs/job", "node"), range("node")],
        ...[median("Redis µs/job", "redis"), range("redis")],
      ]),
    ),
  }),
});
