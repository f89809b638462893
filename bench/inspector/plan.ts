import type { ClickName } from "./clicks.ts";
import { type RowName, rows } from "./rows.ts";
import { type WorkName, works } from "./works.ts";

/** When many actors are observed: before a page is opened, while it is, and after it has gone. */
export type CrowdMoment = "before" | "looked at" | "looked at for long" | "after";

/** One kind of measurement: of what costs little, in a process of its own; and of many actors that a page looks at. */
export type WorkTask = { readonly what: WorkName; readonly name: RowName; readonly count: number };
export type InspectorTask =
  | WorkTask
  | { readonly what: "crowd" | "heap"; readonly name: CrowdMoment; readonly count: number }
  | { readonly what: "click"; readonly name: ClickName; readonly count: number }
  | { readonly what: "longTasks"; readonly name: "looked at"; readonly count: number };

export const crowdTask = (name: CrowdMoment, count: number): InspectorTask => ({
  what: "crowd",
  name,
  count,
});
export const heapTask = (name: CrowdMoment, count: number): InspectorTask => ({ what: "heap", name, count });
export const clickTask = (name: ClickName, count: number): InspectorTask => ({ what: "click", name, count });
export const longTasksTask = (count: number): InspectorTask => ({
  what: "longTasks",
  name: "looked at",
  count,
});

export const workTask = (what: WorkName, name: RowName): WorkTask => ({
  what,
  name,
  count: works[what].count,
});

/** All of those in processes of their own, in this order. */
export const workTasks: readonly WorkTask[] = (Object.keys(works) as WorkName[]).flatMap((what) =>
  (Object.keys(rows) as RowName[]).map((name) => workTask(what, name)),
);
