import { type Job, Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import type { System } from "./system.ts";

/** The peer: each message is a job of one queue. A job is handled once the worker has stored its completion. */
export async function bullmq(url: string, concurrency: number): Promise<System> {
  const connections = Array.from({ length: 2 }, () => new Redis(url, { maxRetriesPerRequest: null }));
  const [adding, working] = connections as [Redis, Redis];
  const pending = new Map<string, () => void>();
  const completed = new Set<string>();
  const counts = new Map<string, number>();
  const queue = new Queue("bench", {
    connection: adding,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  });
  const worker = new Worker(
    "bench",
    async ({ data }: Job<{ readonly key: string }>) => {
      counts.set(data.key, (counts.get(data.key) ?? 0) + 1);
    },
    { connection: working, concurrency },
  );
  worker.on("completed", ({ id = "" }) => {
    // A job may be completed before the reply with its id has arrived.
    const resolve = pending.get(id);
    if (resolve === undefined) completed.add(id);
    pending.delete(id);
    resolve?.();
  });
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
  return {
    async pass(key) {
      const { id = "" } = await queue.add("message", { key });
      if (!completed.delete(id)) await new Promise<void>((resolve) => pending.set(id, resolve));
    },
    handled: async (keys) => keys.reduce((sum, key) => sum + (counts.get(key) ?? 0), 0),
    async close() {
      await worker.close();
      await queue.close();
      for (const connection of connections) connection.disconnect();
    },
  };
}
