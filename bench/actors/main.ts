import { type Run, runBench } from "../harness/bench.ts";
import type { Results } from "../harness/results.ts";
import { atLeast, atMost, median, range, ratio, section, type Target, whole } from "../harness/tables.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import type { MessagingRow } from "./messaging.ts";
import type { SpawningRow } from "./spawning.ts";
import type { ActorTasks } from "./worker.ts";

const spawningRows: Readonly<Record<SpawningRow, string>> = {
  bare: "bare XState actor (control)",
  plain: "`spawn`, class consumer",
  plainAtOnce: "the same, 1,000 concurrent calls",
  onLayer: "`spawn`, class consumer on a memory layer",
  machine: "`spawn`, machine consumer",
};

const messagingRows: Readonly<Record<MessagingRow, string>> = {
  call: "plain function call (control)",
  message: "message to a class consumer",
  frame: "frame to a class consumer",
  asyncMessage: "message that waited to an async handler",
  send: "bare `actor.send` (control)",
  machineMessage: "message to a machine consumer",
  machineFrame: "JSON frame to a machine consumer",
};

const options = {
  messages: {
    ...{ default: 2_000_000, short: 500_000 },
    help: "messages per measurement; a tenth as many to machines",
  },
  actors: {
    default: 100_000,
    short: 1_000,
    help: "largest number of actors, reached from 100 in factors of ten",
  },
};

const worker = new URL("worker.ts", import.meta.url);
const spawnTitle = (count: number) => `Spawn and stop, ${whole(count)} at once`;
const messageTitle = "Messages and frames";
const crowdTitle = "A group of spawned actors, 20 messages at once";

const countsTo = (most: number) => [100, 1_000, 10_000, 100_000].filter((count) => count <= most);
/** The number of actors for which all rows are measured: the second largest. */
const usualCount = (counts: readonly number[]) => counts.at(-2) ?? counts[0] ?? 0;

async function measure(run: Run<typeof options>): Promise<void> {
  const { messages, actors, profiles } = run.options;
  const start = (label: string) => {
    run.progress(label);
    return new WorkerProcess<ActorTasks>(worker, { profiles, label });
  };
  const counts = countsTo(actors);
  for (const count of counts) {
    const all = Object.keys(spawningRows) as SpawningRow[];
    // The other numbers of actors only show whether costs grow. Two rows suffice for that.
    for (const row of count === usualCount(counts) ? all : (["bare", "plain"] as const)) {
      const figures = await start(`spawning ${row} ${count}`).callOnce("spawning", row, count);
      run.results.add([spawnTitle(count), row], figures);
    }
  }
  for (const row of Object.keys(messagingRows) as MessagingRow[]) {
    const figures = await start(`messaging ${row}`).callOnce("messaging", row, messages);
    run.results.add([messageTitle, row], figures);
  }
  for (const members of counts) {
    const figures = await start(`crowd ${members}`).callOnce("crowd", members, messages);
    run.results.add([crowdTitle, `${members}`], figures);
  }
}

function targets(results: Results, counts: readonly number[]): Target[] {
  const [many, few, usual] = [counts.at(-1) ?? 0, counts[0] ?? 0, usualCount(counts)];
  const spawnRatio = (figure: string, row: SpawningRow, count: number, to: SpawningRow, toCount: number) =>
    results.ratio(figure, [spawnTitle(count), row], [spawnTitle(toCount), to]);
  const machineRatio = results.ratio("each", [messageTitle, "machineMessage"], [messageTitle, "send"]);
  const growth = `${whole(many)} at once to ${whole(few)}`;
  return [
    atMost(
      "CPU to spawn and stop, to that of a bare actor",
      1.2,
      spawnRatio("sum", "plain", usual, "bare", usual),
    ),
    atMost("Heap of an actor, to that of a bare one", 1.3, spawnRatio("heap", "plain", usual, "bare", usual)),
    atLeast(
      "Messages/s to a class consumer, on one core",
      3e6,
      results.spread([messageTitle, "message"], "perSecond"),
    ),
    atMost("CPU of a message to a machine consumer, to bare `actor.send`", 1.5, machineRatio),
    atMost(`CPU to spawn and stop, ${growth}`, 1.2, spawnRatio("sum", "plain", many, "plain", few)),
    atMost("The same of a bare actor", 1.2, spawnRatio("sum", "bare", many, "bare", few)),
    atMost(
      `Delay of the event loop in ms, p99, group of ${whole(many)}`,
      12,
      results.spread([crowdTitle, `${many}`], "loopP99Ms"),
    ),
  ];
}

await runBench({
  folder: new URL("./", import.meta.url),
  about: "Measures the cost of actors, compared with bare XState and a plain function call.",
  options,
  packages: ["xstate"],
  measure,
  report: (results, { messages, actors }) => ({
    extent: `; ${whole(messages)} messages in each measurement, a tenth as many to machines.`,
    targets: targets(results, countsTo(actors)),
    sections: [
      ...countsTo(actors).map((count) =>
        section(results, spawnTitle(count), spawnTitle(count), spawningRows, [
          ...[median("spawn µs", "spawn"), median("stop µs", "stop"), median("sum µs", "sum"), range("sum")],
          ...[
            ratio("to control", "sum", "bare"),
            median("heap bytes", "heap"),
            ratio("to control", "heap", "bare"),
          ],
        ]),
      ),
      section(results, messageTitle, messageTitle, messagingRows, [
        ...[median("ns", "each"), range("each"), median("on one core, each second", "perSecond")],
      ]),
      section(
        results,
        crowdTitle,
        crowdTitle,
        Object.fromEntries(countsTo(actors).map((members) => [`${members}`, `${whole(members)} members`])),
        [
          ...[median("ns per delivery", "each"), range("each")],
          ...[median("loop p99 ms", "loopP99Ms"), median("loop worst ms", "loopWorstMs")],
        ],
      ),
    ],
  }),
});
