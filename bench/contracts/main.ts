import { type Run, runBench } from "../harness/bench.ts";
import { type Results, type Spread, spreadOf } from "../harness/results.ts";
import {
  atMost,
  type Column,
  median,
  orDash,
  range,
  ratio,
  section,
  short,
  type Target,
  whole,
} from "../harness/tables.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import type { FrameRow } from "./frames.ts";
import { built, measureRoom } from "./measure-room.ts";
import type { RoomRow } from "./room-consumers.ts";
import {
  deliveryTitle,
  frameRows,
  frameTitle,
  inFlight,
  members,
  plainRows,
  roomRows,
  roomTitle,
} from "./rows.ts";
import type { ContractTasks } from "./worker.ts";

const frameNames = Object.keys(frameRows) as FrameRow[];
const roomNames = Object.keys(roomRows) as RoomRow[];

const partNames = ["frames", "deliveries", "rooms"] as const;

const options = {
  operations: {
    ...{ default: 300_000, short: 100_000 },
    help: "frames and deliveries per repetition; a tenth as many to a machine",
  },
  ms: { default: 1_000, short: 400, help: "milliseconds per measurement of a room" },
  parts: { names: partNames, help: "measure only these tables" },
  rows: { names: [...frameNames, ...roomNames], help: "measure only these rows" },
};

async function measure(run: Run<typeof options>): Promise<void> {
  const { results, progress } = run;
  const { operations, ms, parts, rows, profiles } = run.options;
  const worker = (label: string) => {
    progress(label);
    return new WorkerProcess<ContractTasks>(built("worker.js"), { profiles, label });
  };
  const measureEach = {
    async frames(row: FrameRow) {
      const count = row === "machine" ? Math.ceil(operations / 10) : operations;
      results.add([frameTitle, row], await worker(row).callOnce("frames", row, count));
    },
    async deliveries(row: RoomRow, validates: boolean, title: string) {
      const messages = Math.ceil(operations / members);
      const figures = await worker(`delivery ${title}`).callOnce("deliveries", row, validates, messages);
      results.add([deliveryTitle(validates), row], figures);
    },
    async rooms(row: RoomRow, validates: boolean, title: string) {
      progress(`room ${title}`);
      for await (const [count, figures] of measureRoom(row, { validates, ms, profiles }))
        results.add([roomTitle(count, validates), row], figures);
    },
  };
  if (parts.includes("frames"))
    for (const row of frameNames.filter((name) => rows.includes(name))) await measureEach.frames(row);
  for (const part of ["deliveries", "rooms"] as const) {
    if (!parts.includes(part)) continue;
    for (const row of roomNames.filter((name) => rows.includes(name)))
      for (const validates of plainRows.includes(row) ? [false] : [false, true])
        await measureEach[part](row, validates, `${row}${validates ? ", validateOutgoing" : ""}`);
  }
}

/** How much more a frame of one row costs than a frame of another, within each run, in microseconds. */
function excess(results: Results, of: string, over: FrameRow): Spread | undefined {
  const others = results.runs([frameTitle, over], "each");
  return spreadOf(
    results.runs([frameTitle, of], "each").flatMap((each, run) => {
      const other = others[run];
      return other === undefined ? [] : each - other;
    }),
  );
}

const byHand: Readonly<Record<string, FrameRow>> = {
  zod: "zodByHand",
  valibot: "valibotByHand",
  arkType: "arkTypeByHand",
};

const overNoSchema: Column = {
  heading: "more than without a schema",
  cell: (results, [, row]) => short(excess(results, row, "json")?.median),
};

const overByHand: Column = {
  heading: "more than by hand",
  cell(results, [, row]) {
    const other = byHand[row];
    return other && short(excess(results, row, other)?.median);
  },
};

const frameTarget = (results: Results): Target =>
  atMost(
    "µs of a valid frame with a contract in zod, more than with zod by hand",
    2,
    excess(results, "zod", "zodByHand"),
  );

const relayTarget = (results: Results): Target => {
  const title = roomTitle(inFlight[0], false);
  return atMost(
    `${title}: \`relay\`, to a constant text`,
    1.2,
    results.ratio("cpu", [title, "relay"], [title, "constant"]),
  );
};

await runBench({
  folder: new URL("./", import.meta.url),
  about: "Measures the cost of a contract: of a valid frame, and of a message to a room.",
  options,
  packages: ["zod", "valibot", "arktype", "ws", "xstate"],
  check: {
    requirement: "a valid frame costs at most 2 µs more with a contract in zod than with zod by hand",
    options: { runs: 3, operations: 100_000, parts: ["frames"], rows: ["zodByHand", "zod"] },
    target: frameTarget,
  },
  measure,
  report: (results, { operations, ms }) => ({
    extent: `; the least of five times ${whole(operations)} frames or deliveries, and ${ms} ms of a room.`,
    targets: [frameTarget(results), relayTarget(results)],
    sections: [
      section(results, `${frameTitle}, µs`, frameTitle, frameRows, [
        ...[median("CPU µs", "each"), range("each"), orDash(overNoSchema), orDash(overByHand)],
      ]),
      ...[false, true].map((validates) => {
        const title = deliveryTitle(validates);
        return section(results, title, title, roomRows, [
          ...[median("CPU ns", "each"), range("each"), ratio("to `relay`", "each", "relay")],
        ]);
      }),
      ...inFlight.flatMap((count) =>
        [false, true].map((validates) => {
          const title = roomTitle(count, validates);
          return section(results, title, title, roomRows, [
            ...[median("CPU µs per delivery", "cpu"), range("cpu"), ratio("to `relay`", "cpu", "relay")],
            median("deliveries/s", "perSecond"),
          ]);
        }),
      ),
    ],
  }),
});
