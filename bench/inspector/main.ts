import { type Run, runBench } from "../harness/bench.ts";
import type { Results } from "../harness/results.ts";
import {
  atMost,
  type Column,
  median,
  range,
  rangeOf,
  ratio,
  section,
  short,
  type Target,
  whole,
} from "../harness/tables.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import type { ClickName } from "./clicks.ts";
import type { InspectionRow } from "./inspected.ts";
import {
  type CrowdMoment,
  clickTitle,
  crowdTitle,
  heapTitle,
  longTasksTitle,
  measureCrowd,
} from "./measure-crowd.ts";
import type { WorkloadTasks } from "./worker.ts";
import type { WorkloadName } from "./workloads.ts";

const workloadTitles: Readonly<Record<WorkloadName, string>> = {
  spawning: "an actor spawned and stopped, 1,000 at once",
  handling: "a message to a class consumer",
  delivering: "a message to a group, for each of 1,000 members that send it on",
  moving: "a message to a machine consumer, which takes a transition",
};

const inspectionRows: Readonly<Record<InspectionRow, string>> = {
  without: "no inspector (control)",
  mounted: "mounted, no reader",
  open: "mounted, one reader",
};

const momentRows: Readonly<Record<CrowdMoment, string>> = {
  before: "before the page is opened",
  open: "the page is open, for 30 s",
  used: "the same after all the clicks",
  after: "after the page is closed",
};

const clickRows: Readonly<Record<ClickName, string>> = {
  consumer: "choose a consumer",
  state: "click a state",
  search: "search, including the 150 ms that the page waits for the next key",
  next: "next page",
  sort: "sort by mailbox",
  open: "open an actor",
  back: "back to the list",
};

const options = {
  parts: { names: ["works", "crowd"] as const, help: "measure only these parts" },
  actors: { default: 10_000, short: 2_000, help: "actors in the crowd; the page needs at least 1,051" },
};

const worker = new URL("worker.ts", import.meta.url);

async function measure(run: Run<typeof options>): Promise<void> {
  const { parts, profiles } = run.options;
  // The crowd is measured in one run only, because each second and each click of that run is a measurement.
  if (run.number === 1 && parts.includes("crowd")) await measureCrowd(run.options.actors, run);
  if (!parts.includes("works")) return;
  for (const workload of Object.keys(workloadTitles) as WorkloadName[]) {
    for (const row of Object.keys(inspectionRows) as InspectionRow[]) {
      const label = `${workload} ${row}`;
      run.progress(label);
      const process = new WorkerProcess<WorkloadTasks>(worker, { profiles, label });
      run.results.add([workload, row], await process.callOnce("measure", workload, row));
    }
  }
}

function targets(results: Results): Target[] {
  return [
    ...Object.entries(workloadTitles).map(([workload, title]) => {
      const cost = results.ratio("each", [workload, "mounted"], [workload, "without"]);
      return atMost(`${title}: mounted without a reader, to no inspector`, 1.02, cost);
    }),
    ...Object.entries(clickRows).map(([click, title]) =>
      atMost(`ms to ${title}`, click === "search" ? 250 : 100, results.spread([clickTitle, click], "ms")),
    ),
  ];
}

/** A column with the minimum and the maximum of the ratio to the control. */
const ratioRange: Column = {
  heading: "least to most",
  cell: (results, row) => rangeOf(results.ratio("each", row, [row[0], "without"])),
};

const worst: Column = {
  heading: "max delay ms",
  cell: (results, row) => short(results.spread(row, "max")?.max),
};

function longTasks(results: Results): string {
  const figure = (name: string) => results.spread([longTasksTitle, "open"], name)?.median;
  const count = figure("count");
  if (count === undefined) return "";
  return `In 30 s without input, the page had ${count} tasks of 50 ms or more, of ${short(figure("longestMs"))} ms at most.\n`;
}

await runBench({
  folder: new URL("./", import.meta.url),
  about: "Measures the cost of the inspector: not mounted, mounted, and with an open page.",
  options,
  packages: ["xstate", "ws", "playwright-core"],
  measure,
  report: (results, { actors }) => ({
    extent: ". The figures of the crowd are medians of the seconds and clicks of one run.",
    targets: targets(results),
    sections: [
      ...Object.entries(workloadTitles).map(([workload, title]) =>
        section(results, `CPU of ${title}`, workload, inspectionRows, [
          ...[median("µs", "each"), range("each"), ratio("to control", "each", "without"), ratioRange],
        ]),
      ),
      section(results, `The server of ${whole(actors)} actors, each second`, crowdTitle, momentRows, [
        ...[median("CPU ms", "cpuMs"), range("cpuMs"), median("event loop delay, p99 ms", "p99"), worst],
        ...[median("KiB to the page", "kib"), median("heap MiB", "mib", heapTitle)],
      ]),
      section(
        results,
        `The page of ${whole(actors)} actors, from a click to the frame that shows its result`,
        clickTitle,
        clickRows,
        [median("ms", "ms"), range("ms")],
      ),
      longTasks(results),
    ],
  }),
});
