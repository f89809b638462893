import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/**
 * Returns the used bytes of the heap. Measures repeatedly, because buffers are freed later than their owners.
 */
export async function usedHeap(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round += 1) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    least = Math.min(least, heapUsed + arrayBuffers);
  }
  return least;
}

/** The result of {@link publishFor}. */
export interface Published {
  readonly sent: number;
  readonly refused: number;
  /** The growth of the heap in bytes after the first tenth of the time. */
  readonly grown: number;
}

/**
 * Publishes the numbers from 1 on, about twenty per millisecond, for `ms` milliseconds. Resolves once all
 * calls have settled.
 */
export async function publishFor(ms: number, publish: (number: number) => Promise<void>): Promise<Published> {
  const began = performance.now();
  let sent = 0;
  let settled = 0;
  let refused = 0;
  let early = 0;
  while (performance.now() - began < ms) {
    for (let burst = 0; burst < 20; burst += 1) {
      sent += 1;
      publish(sent)
        .catch(() => {
          refused += 1;
        })
        .finally(() => {
          settled += 1;
        });
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (early === 0 && performance.now() - began > ms / 10) early = await usedHeap();
  }
  const grown = (await usedHeap()) - early;
  while (settled < sent) await new Promise((resolve) => setTimeout(resolve, 2));
  return { sent, refused, grown };
}
