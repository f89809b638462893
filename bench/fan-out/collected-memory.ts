import { setTimeout as pause } from "node:timers/promises";

export interface Memory {
  readonly rssBytes: number;
  readonly heapBytes: number;
}

/** The resident set is what it is going to be when so many collections in a row have not made it smaller. */
const enough = 5;
/** V8 gives pages back after a while only, and in several steps. */
const pauseMs = 100;
const most = 40;

/** What this process holds on to, once it is left alone: collects until nothing more comes of it. */
export async function collectedMemory(): Promise<Memory> {
  if (globalThis.gc === undefined) throw new Error("Run node with --expose-gc.");
  let [rssBytes, heapBytes] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0, idle = 0; round < most && idle < enough; round += 1) {
    globalThis.gc();
    await pause(pauseMs);
    const now = process.memoryUsage();
    idle = now.rss < rssBytes ? 0 : idle + 1;
    rssBytes = Math.min(rssBytes, now.rss);
    heapBytes = Math.min(heapBytes, now.heapUsed);
  }
  return { rssBytes, heapBytes };
}
