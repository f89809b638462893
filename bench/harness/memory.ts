import { setTimeout as pause } from "node:timers/promises";

export interface Memory {
  readonly rssBytes: number;
  readonly heapBytes: number;
}

/** The resident set has settled when so many collections in a row have not made it smaller. */
const settledAfter = 5;
/** V8 returns pages after a while only, and in several steps. */
const pauseMs = 100;
const maxCollections = 40;

/** The memory in use: collects garbage until the resident set has settled. */
export async function collectedMemory(): Promise<Memory> {
  if (globalThis.gc === undefined) throw new Error("Run node with --expose-gc.");
  let [rssBytes, heapBytes] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0, unchanged = 0; round < maxCollections && unchanged < settledAfter; round += 1) {
    globalThis.gc();
    await pause(pauseMs);
    const now = process.memoryUsage();
    unchanged = now.rss < rssBytes ? 0 : unchanged + 1;
    rssBytes = Math.min(rssBytes, now.rss);
    heapBytes = Math.min(heapBytes, now.heapUsed);
  }
  return { rssBytes, heapBytes };
}
