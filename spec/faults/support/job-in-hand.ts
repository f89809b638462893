import { expect } from "chai";
import type { ChannelLayer } from "../../../layers/channel-layer.ts";
import { Worker } from "../../../layers/testing/index.ts";
import { until } from "../../layers/support/until.ts";
import { gate } from "../../support/gate.ts";

/**
 * Runs `fault` while a worker is busy with the first of five jobs. Checks that these jobs and a later job are
 * done once each. The time until jobs are taken over is longer than the spec.
 *
 * @param replicated resolves once all jobs are replicated, so that they survive the fault.
 */
export async function throughWithJobInHand(
  layers: readonly [ChannelLayer, ChannelLayer],
  queue: string,
  replicated: () => Promise<unknown>,
  fault: () => Promise<unknown>,
): Promise<void> {
  const [sender, consumer] = layers;
  const send = (number: number) => sender.send(queue, { type: "job", number });
  const inHand = gate();
  const worker = new Worker(() => inHand.opened);
  const consumption = await consumer.consume(queue, worker.handle, { claimAfterMs: 3_600_000 });
  for (let number = 1; number <= 5; number += 1) await send(number);
  await worker.hasBegun(1);
  await replicated();
  await fault();
  await until(() => layers.every(({ health }) => health.ok));
  inHand.open();
  await worker.hasBegun(5);
  await send(6);
  await worker.hasBegun(6);
  await consumption.close();
  expect(worker.attempts).to.deep.equal([1, 2, 3, 4, 5, 6].map((number) => [number, 1]));
}
