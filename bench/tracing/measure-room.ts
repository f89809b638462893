import type { LoadTasks } from "../contracts/load.ts";
import { measureLoad } from "../contracts/measure-load.ts";
import type { Figures } from "../harness/results.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import { inFlight, members, type RoomName, type RowName, size } from "./rows.ts";
import type { RoomTasks } from "./server.ts";

/** The compiled JavaScript of a file, so that measured processes run without a loader or compiler. */
const built = (file: string) => new URL(`dist/bench/${file}`, import.meta.url);

interface RoomOptions {
  /** The duration of each measurement. */
  readonly ms: number;
  readonly profiles: string | undefined;
}

/** Yields the figures of a room by messages in flight. The CPU of the server is in microseconds per delivery. */
export async function* measureRoom(
  row: RowName,
  room: RoomName,
  { ms, profiles }: RoomOptions,
): AsyncGenerator<readonly [inFlight: number, Figures]> {
  const label = `${row}-${room}`;
  const server = new WorkerProcess<RoomTasks>(built("tracing/server.js"), { profiles, label });
  const clients = new WorkerProcess<LoadTasks>(built("contracts/load.js"));
  try {
    const port = await server.call("open", row, room);
    await clients.call("open", port, "chat", members);
    const meter = {
      startMeter: () => server.call("startMeter"),
      stopMeter: () => server.call("stopMeter"),
    };
    yield* measureLoad(meter, clients, { inFlight, size, ms });
  } finally {
    await Promise.all([clients.close(), server.close()]);
  }
}
