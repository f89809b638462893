import type { ChannelLayer } from "../channel-layer.ts";
import { Worker } from "./worker.ts";

/** The integers from `from` to `to`, inclusive. */
export const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Sends one job per number. Resolves once the layer has accepted all of them. */
export async function sendNumbers(
  layer: ChannelLayer,
  channel: string,
  from: number,
  to = from,
): Promise<void> {
  await Promise.all(numbers(from, to).map((number) => layer.send(channel, { type: "job", number })));
}

/** Consumes `channel` with a worker that succeeds. Resolves once the worker has begun `count` jobs. */
export async function consumeJobs(layer: ChannelLayer, channel: string, count: number): Promise<Worker> {
  const worker = new Worker();
  await layer.consume(channel, worker.handle);
  await worker.hasBegun(count);
  return worker;
}

/** The attempts of each worker as "number/attempt", in the order in which they began: "1/1 1/2 2/1". */
export const attempts = (...workers: Worker[]) =>
  workers.flatMap((worker) => worker.attempts.map((attempt) => attempt.join("/"))).join(" ");
