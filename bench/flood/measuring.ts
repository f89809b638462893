import { setTimeout as pause } from "node:timers/promises";
import { now } from "../harness/clock.ts";
import type { Reading } from "../harness/meter.ts";
import type { Figures } from "../harness/results.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import type { BystanderTasks } from "./bystander.ts";
import type { FlooderTasks } from "./flooders.ts";
import {
  bystanderRoom,
  calmMs,
  type FloodName,
  floods,
  graceMs,
  type RowName,
  recoveryMs,
  roomsOf,
  rows,
  toleranceMs,
} from "./plan.ts";
import type { ServerTasks } from "./server.ts";

const file = (name: string) => new URL(name, import.meta.url);

/** Measures the bystander of one flood, with new processes. @throws an error that names the row */
export async function measureFlood(
  name: RowName,
  flood: FloodName,
  ms: number,
  profiles: string | undefined,
): Promise<Figures> {
  const server = new WorkerProcess<ServerTasks>(file("server.ts"), { profiles, label: name });
  const bystander = new WorkerProcess<BystanderTasks>(file("bystander.ts"));
  const flooders = new WorkerProcess<FlooderTasks>(file("flooders.ts"));
  const { protocol, server: module } = rows[name];
  try {
    const port = await server.call("open", module);
    const rooms = roomsOf(floods[flood]);
    await bystander.call("join", port, protocol, `${bystanderRoom}`, bystanderRoom);
    await flooders.call("open", port, protocol, rooms);
    await bystander.call("start");
    await pause(calmMs);
    await server.call("startMeter");
    const from = now();
    const { leftAt, cutOff, frameBytes } = await flooders.call("flood", protocol, rooms, ms);
    // If the flooded server does not answer in time, its process is killed, and this call fails.
    const read = server.call("stopMeter").catch(() => undefined);
    const before = await bystander.call("figures", from - calmMs / 2, from);
    const limitMs = 2 * before.p50Ms + toleranceMs;
    const normalMs = await bystander.call("normal", leftAt, limitMs, recoveryMs);
    await bystander.call("stop", graceMs);
    const during = await bystander.call("figures", from, leftAt);
    const { missing } = await bystander.call("figures");
    return {
      ...{ calmP50Ms: before.p50Ms, p50Ms: during.p50Ms, p99Ms: during.p99Ms, worstMs: during.worstMs },
      ...{ missing, normalMs, cutOff },
      ...figuresOf(await Promise.race([read, pause(graceMs, undefined)]), frameBytes),
    };
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  } finally {
    await Promise.all([flooders, bystander, server].map((each) => each.close()));
  }
}

/** @param reading `undefined` if the server did not answer */
function figuresOf(reading: Reading | undefined, frameBytes: number): Figures {
  if (reading === undefined) return {};
  const { seconds, loopP99Ms, loopWorstMs, io } = reading;
  const loop = { loopP99Ms, loopWorstMs };
  return io === undefined ? loop : { ...loop, framesPerSecond: io.readBytes / frameBytes / seconds };
}
