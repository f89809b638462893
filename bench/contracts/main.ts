import { type Run, runBench } from "../harness/bench.ts";
import { whole } from "../harness/tables.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import type { FrameRow } from "./frames.ts";
import { built, measureRoom } from "./measure-room.ts";
import { frameTarget, relayTarget, sections } from "./report.ts";
import type { RoomRow } from "./room-consumers.ts";
import { deliveryTitle, frameRows, frameTitle, members, plainRows, roomRows, roomTitle } from "./rows.ts";
import type { ContractTasks } from "./worker.ts";

const frameNames = Object.keys(frameRows) as FrameRow[];
const roomNames = Object.keys(roomRows) as RoomRow[];

const options = {
  operations: {
    ...{ default: 300_000, short: 100_000 },
    help: "frames and deliveries per repetition; a tenth as many to a machine",
  },
  ms: { default: 1_000, short: 400, help: "milliseconds per measurement of a room" },
  parts: { names: ["frames", "deliveries", "rooms"] as const, help: "measure only these tables" },
  rows: { names: [...frameNames, ...roomNames], help: "measure only these rows" },
};

async function measure(run: Run<typeof options>): Promise<void> {
  const { results } = run;
  const { operations, ms, parts, rows, profiles } = run.options;
  const start = (label: string) => {
    run.progress(label);
    return new WorkerProcess<ContractTasks>(built("worker.js"), { profiles, label });
  };
  /** Calls `work` for the chosen rows of the room, with and without validation. */
  const eachRoomRow = async (work: (row: RoomRow, validates: boolean, label: string) => Promise<void>) => {
    for (const row of roomNames.filter((name) => rows.includes(name)))
      for (const validates of plainRows.includes(row) ? [false] : [false, true])
        await work(row, validates, `${row}${validates ? ", validateOutgoing" : ""}`);
  };
  if (parts.includes("frames")) {
    for (const row of frameNames.filter((name) => rows.includes(name))) {
      const count = row === "machine" ? Math.ceil(operations / 10) : operations;
      results.add([frameTitle, row], await start(`frame, ${row}`).callOnce("frames", row, count));
    }
  }
  if (parts.includes("deliveries")) {
    await eachRoomRow(async (row, validates, label) => {
      const worker = start(`delivery, ${label}`);
      const figures = await worker.callOnce("deliveries", row, validates, Math.ceil(operations / members));
      results.add([deliveryTitle(validates), row], figures);
    });
  }
  if (parts.includes("rooms")) {
    await eachRoomRow(async (row, validates, label) => {
      run.progress(`room, ${label}`);
      for await (const [count, figures] of measureRoom(row, { validates, ms, profiles }))
        results.add([roomTitle(count, validates), row], figures);
    });
  }
}

await runBench({
  folder: new URL("./", import.meta.url),
  about: "Measures the cost of a contract: of a valid frame, and of a message to a room.",
  options,
  packages: ["zod", "valibot", "arktype", "ws", "xstate"],
  check: {
    requirement: "a valid frame costs at most 2 µs more with a contract in zod than with zod by hand",
    options: { runs: 1, operations: 100_000, parts: ["frames"], rows: ["zodByHand", "zod"] },
    target: frameTarget,
  },
  measure,
  report: (results, { operations, ms }) => ({
    extent: `; the least of five times ${whole(operations)} frames or deliveries, and ${ms} ms of a room.`,
    targets: [frameTarget(results), relayTarget(results)],
    sections: sections(results),
  }),
});
