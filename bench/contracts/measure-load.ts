import type { Figures } from "../harness/results.ts";
import type { WorkerProcess } from "../harness/worker-process.ts";
import type { LoadTasks } from "./load.ts";

/** The duration of the warm-up. V8 takes most of a second to optimise the code. */
const warmUpMs = 1_200;

/** The tasks of a server whose CPU is measured. */
interface MeteredTasks {
  startMeter(): void;
  stopMeter(): { readonly cpuMicros: number };
}

export interface Load {
  /** The numbers of messages in flight to measure, one after the other. */
  readonly inFlight: readonly [number, ...number[]];
  /** The size of a text, in bytes. */
  readonly size: number;
  /** The duration of each measurement. */
  readonly ms: number;
}

/**
 * Warms up, and then yields the figures of one room by messages in flight. The CPU of the server is in microseconds per
 * delivery.
 *
 * @param server the methods of the server's process that start and stop its meter
 */
export async function* measureLoad(
  server: { readonly [Task in keyof MeteredTasks]: () => Promise<ReturnType<MeteredTasks[Task]>> },
  clients: WorkerProcess<LoadTasks>,
  { inFlight, size, ms }: Load,
): AsyncGenerator<readonly [inFlight: number, Figures]> {
  const load = { senders: 1, rooms: 1, size, ms };
  await clients.call("send", { ...load, inFlight: inFlight[0], ms: warmUpMs });
  for (const count of inFlight) {
    await server.startMeter();
    const { deliveries, seconds } = await clients.call("send", { ...load, inFlight: count });
    const { cpuMicros } = await server.stopMeter();
    yield [count, { cpu: cpuMicros / deliveries, perSecond: deliveries / seconds }];
  }
}
