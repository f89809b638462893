import type { LoadTasks } from "../fan-out/load.ts";
import { type Figures, spreadOf } from "../harness/results.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import { members, type RowName, size } from "./rows.ts";
import type { ServerTasks } from "./server.ts";

/** The compiled JavaScript of a file, so that measured processes run without a loader or compiler. */
const built = (file: string) => new URL(`dist/bench/${file}`, import.meta.url);

/** The duration of the warm-up of each row. V8 takes most of a second to optimise the code. */
const warmUpMs = 800;

export interface RoomOptions {
  readonly rows: readonly RowName[];
  readonly inFlight: number;
  /** The duration of a turn of one row, in milliseconds. */
  readonly ms: number;
  /** The number of turns of each row. */
  readonly turns: number;
}

/**
 * Measures all rows on one server, whose rows take turns: so other work on the machine meets all of them. The CPU of
 * the server is in microseconds per delivery: the median of the turns. The first part of each turn is not measured.
 */
export async function measureRoom({
  rows,
  inFlight,
  ms,
  turns,
}: RoomOptions): Promise<Map<RowName, Figures>> {
  const server = new WorkerProcess<ServerTasks>(built("metrics/server.js"));
  const clients = new WorkerProcess<LoadTasks>(built("fan-out/load.js"));
  const measured = new Map<RowName, number[]>(rows.map((row) => [row, []]));
  try {
    await clients.call("configure", [await server.call("open")], "websocket");
    await clients.call("open", members, "first=0&count=1", true);
    const load = { senders: 1, rooms: 1, size, inFlight };
    for (const row of rows) {
      await server.call("use", row);
      await clients.call("send", { ...load, ms: warmUpMs });
    }
    for (let turn = 0; turn < turns; turn += 1) {
      // Each turn begins with another row, so that none always follows the same one.
      for (const row of [...rows.slice(turn % rows.length), ...rows.slice(0, turn % rows.length)]) {
        await server.call("use", row);
        await clients.call("send", { ...load, ms: ms / 2 });
        const before = await server.call("cpuMicros");
        const { deliveries } = await clients.call("send", { ...load, ms });
        measured.get(row)?.push(((await server.call("cpuMicros")) - before) / deliveries);
      }
    }
    await server.call("use", "metrics");
    await clients.call("send", { ...load, ms });
    const scrapeMs = await server.call("scrape");
    return new Map(
      [...measured].map(([row, each]) => [
        row,
        { cpu: spreadOf(each)?.median ?? 0, ...(row === "metrics" && { scrapeMs }) },
      ]),
    );
  } finally {
    await Promise.all([clients.close(), server.close()]);
  }
}
