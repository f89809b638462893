import { setTimeout as pause } from "node:timers/promises";

export interface Memory {
  readonly rssBytes: number;
  readonly heapBytes: number;
}

/** The resident set has settled when this many consecutive collections have not shrunk it. */
const settledAfter = 5;
/** The pause after a collection, because V8 returns pages with a delay and in several steps. */
const pauseMs = 100;
const maxCollections = 40;

/** Collects garbage until the resident set has settled. @returns the memory in use */
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
