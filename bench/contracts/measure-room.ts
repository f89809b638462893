import type { Figures } from "../harness/results.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import type { LoadTasks } from "./load.ts";
import { measureLoad } from "./measure-load.ts";
import type { RoomRow } from "./room-consumers.ts";
import { inFlight, members, size } from "./rows.ts";
import type { RoomTasks } from "./server.ts";

/** The compiled JavaScript of a file, so that measured processes run without a loader or compiler. */
export const built = (file: string) => new URL(`dist/bench/contracts/${file}`, import.meta.url);

/** @param ms the duration of each measurement */
interface RoomOptions {
  readonly validates: boolean;
  readonly ms: number;
  readonly profiles: string | undefined;
}

/** Yields the figures of a room by messages in flight. The CPU of the server is in microseconds per delivery. */
export async function* measureRoom(
  row: RoomRow,
  { validates, ms, profiles }: RoomOptions,
): AsyncGenerator<readonly [inFlight: number, Figures]> {
  const label = `${row}${validates ? "-validating" : ""}`;
  const server = new WorkerProcess<RoomTasks>(built("server.js"), { profiles, label });
  const clients = new WorkerProcess<LoadTasks>(built("load.js"));
  try {
    const port = await server.call("open", row, validates);
    await clients.call("open", port, row === "buildEach" ? "seated" : "chat", members);
    const meter = {
      startMeter: () => server.call("startMeter"),
      stopMeter: () => server.call("stopMeter"),
    };
    yield* measureLoad(meter, clients, { inFlight, size, ms });
  } finally {
    await Promise.all([clients.close(), server.close()]);
  }
}
