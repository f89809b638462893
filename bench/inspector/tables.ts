import { grouped, section, short } from "../markdown.ts";
import type { Results } from "../results.ts";
import type { Spread } from "../statistics.ts";
import { atMost, type Target, targetSection } from "../target.ts";
import type { ClickName } from "./clicks.ts";
import {
  type CrowdMoment,
  clickTask,
  crowdTask,
  heapTask,
  type InspectorTask,
  longTasksTask,
  workTask,
} from "./plan.ts";
import type { RowName } from "./rows.ts";
import type { WorkName } from "./works.ts";

const workTitles: Readonly<Record<WorkName, string>> = {
  spawning: "an actor spawned and stopped, 1,000 at once",
  handling: "a message to a class consumer",
  delivering: "a message of a group of 1,000, to each member that sends it on",
  moving: "a message to a machine consumer, which takes a transition",
};

const rowTitles: Readonly<Record<RowName, string>> = {
  without: "no inspector (control)",
  mounted: "mounted, nobody looks",
  looked: "looked at",
};

const momentTitles: Readonly<Record<CrowdMoment, string>> = {
  before: "nobody looks yet",
  "looked at": "the page is open, for 30 s",
  "looked at for long": "the same after all the clicks",
  after: "the page has gone",
};

const clickTitles: Readonly<Record<ClickName, string>> = {
  consumer: "choose a consumer",
  state: "click a state",
  search: "search, the 150 ms included that the page waits for the next key",
  next: "next page",
  sort: "sort by mailbox",
  open: "open an actor",
  back: "back to the list",
};

const workNames = Object.keys(workTitles) as WorkName[];

/** Those for which enough was measured. */
export function targets(results: Results<InspectorTask>, actors: number): Target[] {
  return [
    ...workNames.flatMap((what) =>
      atMost(
        `${workTitles[what]}: mounted, nobody looks, to no inspector`,
        1.02,
        results.ratio(workTask(what, "mounted"), workTask(what, "without"), "each"),
      ),
    ),
    ...(Object.keys(clickTitles) as ClickName[]).flatMap((name) =>
      atMost(
        `ms to ${clickTitles[name]}`,
        name === "search" ? 250 : 100,
        results.spread(clickTask(name, actors), "ms"),
      ),
    ),
  ];
}

/** All results as tables of Markdown. */
export function tables(results: Results<InspectorTask>, actors: number): string {
  const measured = workNames.filter((what) => results.spread(workTask(what, "without"), "each"));
  return [
    targetSection(targets(results, actors)),
    ...measured.map((what) => workSection(results, what)),
    ...crowdSections(results, actors),
  ].join("\n");
}

function workSection(results: Results<InspectorTask>, what: WorkName): string {
  return section(
    `CPU of ${workTitles[what]}`,
    ["", "µs", "least to most", "to control", "least to most"],
    (Object.keys(rowTitles) as RowName[]).map((row) => {
      const ratio = results.ratio(workTask(what, row), workTask(what, "without"), "each");
      return [rowTitles[row], ...cells(results.spread(workTask(what, row), "each")), ...cells(ratio)];
    }),
  );
}

function crowdSections(results: Results<InspectorTask>, actors: number): string[] {
  const moments = Object.keys(momentTitles) as CrowdMoment[];
  const longTasks = results.spread(longTasksTask(actors), "count");
  if (longTasks === undefined) return [];
  return [
    section(
      `The server of ${grouped(actors)} actors, each second`,
      ["", "CPU ms", "least to most", "loop late by, p99 ms", "at worst ms", "KiB to the page", "heap MiB"],
      moments.map((moment) => {
        const figure = (name: string) => results.spread(crowdTask(moment, actors), name);
        return [
          momentTitles[moment],
          ...cells(figure("cpuMs")),
          short(figure("p99")?.median),
          short(figure("max")?.max),
          short(figure("kib")?.median),
          short(results.spread(heapTask(moment, actors), "mib")?.median),
        ];
      }),
    ),
    section(
      `The page of ${grouped(actors)} actors, from a click to the frame that shows what it did`,
      ["", "ms", "least to most"],
      (Object.keys(clickTitles) as ClickName[]).map((name) => [
        clickTitles[name],
        ...cells(results.spread(clickTask(name, actors), "ms")),
      ]),
    ),
    `In 30 s in which nobody did anything the page had ${longTasks.median} tasks of 50 ms or more, of ${short(results.spread(longTasksTask(actors), "longestMs")?.median)} ms at most.\n`,
  ];
}

/** The median, and the least and the most. */
const cells = (spread: Spread | undefined) => [
  short(spread?.median),
  spread && `${short(spread.min)} to ${short(spread.max)}`,
];
