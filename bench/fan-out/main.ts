import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { type Run, runBench } from "../harness/bench.ts";
import { fillMarks, whole } from "../harness/tables.ts";
import { measureGrowth, measureIdle, measureSendings } from "./measuring.ts";
import { picture } from "./picture.ts";
import {
  busy,
  type Growth,
  growing,
  growths,
  idle,
  idleTitle,
  members,
  mostConnections,
  oneNode,
  partNames,
  partsOf,
  roomSizes,
  type Sending,
  senderCounts,
  sendingTitle,
  single,
  stepTitle,
  twoNodes,
} from "./plan.ts";
import { checkedTarget, sections, summary } from "./report.ts";
import { type RowName, rowNames } from "./rows.ts";
import { type System, withSystem } from "./system.ts";
import { targets } from "./targets.ts";

const options = {
  ms: { default: 800, short: 300, help: "milliseconds per measurement; half of that for growth" },
  rows: { names: rowNames, help: "measure only these rows" },
  parts: { names: partNames, help: "measure only these tables; busy is one node with 20 in flight" },
  members: { names: roomSizes.map(String), help: "only rooms of these sizes, with 20 in flight" },
  senders: { names: senderCounts.map(String), help: "only these numbers of senders, with 20 in flight" },
};

/** The number of files that a process may need in addition to connections. */
const ownFiles = 100;
/** The hard limit of open files, to which Node raises its own limit. */
const { stdout: hardLimit } = await promisify(execFile)("sh", ["-c", "ulimit -Hn"]);
const most = hardLimit.trim() === "unlimited" ? Number.POSITIVE_INFINITY : Number(hardLimit) - ownFiles;
const limitNote = most < mostConnections ? `\nThe system allowed only ${whole(most)} connections.` : "";

async function measure(run: Run<typeof options>): Promise<void> {
  const { results, redis, progress } = run;
  const { ms, rows, profiles } = run.options;
  const parts = partsOf(run.options);
  const sizes = run.options.members.map(Number).filter((room) => room <= most);
  const crowded = run.options.senders.map((senders) => busy(Number(senders)));
  const each = async (
    names: readonly RowName[],
    title: string,
    work: (row: RowName, system: System) => Promise<void>,
  ) => {
    for (const row of names.filter((name) => rows.includes(name))) {
      progress(`${row}, ${title}`);
      await withSystem(row, redis, profiles, (system) => work(row, system));
    }
  };
  /** The titles of the steps of growth that are measured. */
  const measured = new Set<string>();
  const send = async (
    names: readonly RowName[],
    title: string,
    room: number,
    sendings: readonly Sending[],
  ) => {
    if (sendings.length === 0) return;
    await each(names, title, async (row, system) => {
      for await (const [sending, figures] of measureSendings(system, room, sendings, ms)) {
        results.add([sendingTitle(sending, room), row], figures);
        // With one sender, the load is also a step of growth, which is not measured twice.
        if (sending.inFlight > 1 && sending.senders === 1) {
          results.add([stepTitle(growths.members, room), row], figures);
          measured.add(stepTitle(growths.members, room));
        }
      }
    });
  };
  for (const room of roomSizes) {
    const isUsual = room === members;
    const sendings = [
      ...(parts.includes("busy") && sizes.includes(room) ? crowded : []),
      ...(parts.includes("single") && isUsual ? [single] : []),
    ];
    await send(isUsual ? oneNode : growing, `room of ${room}`, room, sendings);
  }
  if (parts.includes("two")) await send(twoNodes, "two nodes", members, [...crowded, single]);
  if (parts.includes("idle")) {
    await each(oneNode, "connections", async (row, system) => {
      results.add([idleTitle, row], await measureIdle(system, most));
    });
  }
  for (const growth of parts.includes("growth") ? Object.values<Growth>(growths) : []) {
    await each(growing, growth.title, async (row, system) => {
      const steps = growth.steps.filter((step) => !measured.has(stepTitle(growth, step)));
      for await (const [step, figures] of measureGrowth(system, growth, steps, ms / 2, most)) {
        results.add([stepTitle(growth, step), row], figures);
      }
    });
  }
}

await runBench({
  folder: new URL("./", import.meta.url),
  about: "Measures the cost of a message to a room, compared with sockets, ws, Socket.IO and uWebSockets.js.",
  options,
  packages: [
    "ws",
    "xstate",
    "uwebsockets",
    "socket.io",
    "@socket.io/redis-adapter",
    "@socket.io/redis-streams-adapter",
  ],
  needsRedis: true,
  // The required factor is far below the usual one, so that noise does not fail the check.
  check: {
    requirement: "a delivery costs at most half as much as with bare ws",
    options: {
      ...{ runs: 3, ms: 500, rows: ["ws", "greenroom"], parts: ["busy"] },
      ...{ members: [`${members}`], senders: ["1"] },
    },
    target: checkedTarget,
  },
  measure,
  report: (results, { ms }) => ({
    extent:
      ` of ${ms} ms each; ${whole(Math.min(most, idle.connections))} idle connections.${limitNote}\n\n` +
      "![CPU per delivery as members, rooms, messages in flight, their size and connections grow](growth.svg)",
    targets: targets(results),
    sections: sections(results),
  }),
  async publish(results) {
    await writeFile(new URL("growth.svg", import.meta.url), picture(results));
    const text = summary(results);
    if (text !== undefined)
      await fillMarks(new URL("../../README.md", import.meta.url), "fan-out", `${text}\n`);
  },
});
