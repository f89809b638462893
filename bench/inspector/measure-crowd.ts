import { setTimeout as pause } from "node:timers/promises";
import { launchBrowser } from "../../spec/support/browser.ts";
import type { Results } from "../harness/results.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import { type ClickName, clicks } from "./clicks.ts";
import type { CrowdTasks } from "./crowd.ts";

/** When figures are taken: before a page opens, while it is open, after clicks, and after it is closed. */
export type CrowdMoment = "before" | "open" | "used" | "after";

export const [crowdTitle, heapTitle, clickTitle, longTasksTitle] = [
  "crowd",
  "heap",
  "clicks",
  "long tasks",
] as const;

interface CrowdRun {
  readonly options: { readonly profiles: string | undefined };
  readonly results: Results;
  progress(text: string): void;
}

/** The window is wide enough to show the machines beside the list. */
const viewport = { width: 1440, height: 900 };
/** The seconds of measurement without a page and with an open page, and the number of clicks of each kind. */
const [withoutSeconds, openSeconds, clicksEach] = [10, 30, 20];
/** The time for V8 to compile the code, and for the first requests of a page, before a measurement. */
const settleMs = 5_000;

const recordLongTasks = `
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longTasks.push(duration);
  }).observe({ type: "longtask" });
`;
const takeLongTasks = `({ count: longTasks.length, longestMs: Math.max(0, ...longTasks.splice(0)) })`;

/** Measures a process of many busy actors before, while and after a page in Chromium inspects it. */
export async function measureCrowd(actors: number, { options, results, progress }: CrowdRun): Promise<void> {
  const server = new WorkerProcess<CrowdTasks>(new URL("crowd.ts", import.meta.url), {
    ...{ profiles: options.profiles, label: "crowd" },
  });
  const observe = async (moment: CrowdMoment, seconds: number) => {
    progress(`${actors} actors: ${moment}`);
    await server.call("loopDelay");
    let before = await server.call("totals");
    for (let second = 0; second < seconds; second += 1) {
      await pause(1_000);
      const [now, loopDelay] = await Promise.all([server.call("totals"), server.call("loopDelay")]);
      const passed = (now.ms - before.ms) / 1_000;
      const cpuMs = (now.cpuMicros - before.cpuMicros) / 1_000 / passed;
      const kib = (now.bytes - before.bytes) / 1_024 / passed;
      results.add([crowdTitle, moment], { cpuMs, kib, ...loopDelay });
      before = now;
    }
    results.add([heapTitle, moment], { mib: (await server.call("heap")) / 1_048_576 });
  };
  try {
    const url = await server.call("open", actors);
    await pause(settleMs);
    await observe("before", withoutSeconds);
    const browser = await launchBrowser({ installed: true });
    try {
      // The page's own policy forbids the scripts that Playwright evaluates in it.
      const page = await browser.newPage({ viewport, bypassCSP: true });
      await page.addInitScript({ content: recordLongTasks });
      await page.goto(url);
      await page.waitForSelector("#actors tbody tr");
      await pause(settleMs);
      await page.evaluate(takeLongTasks);
      await observe("open", openSeconds);
      results.add(
        [longTasksTitle, "open"],
        await page.evaluate<{ count: number; longestMs: number }>(takeLongTasks),
      );
      for (const name of Object.keys(clicks) as ClickName[]) {
        progress(`${actors} actors: clicks, ${name}`);
        for (let time = 0; time < clicksEach; time += 1) {
          results.add([clickTitle, name], { ms: await clicks[name](page, time) });
        }
      }
      await observe("used", withoutSeconds);
    } finally {
      await browser.close();
    }
    await pause(settleMs);
    await observe("after", withoutSeconds);
  } finally {
    await server.close();
  }
}
