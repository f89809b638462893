import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { launchBrowser } from "../../spec/support/browser.ts";
import { RemoteProcess } from "../remote-process.ts";
import type { Results } from "../results.ts";
import { type ClickName, clicks } from "./clicks.ts";
import type { CrowdTasks } from "./crowd.ts";
import {
  type CrowdMoment,
  clickTask,
  crowdTask,
  heapTask,
  type InspectorTask,
  longTasksTask,
} from "./plan.ts";

/** Wide enough for the machines and the list side by side. */
const viewport = { width: 1440, height: 900 };
/** How long it is measured without a page, and with one that is just there, in seconds; then that is clicked at. */
const [withoutSeconds, lookingSeconds, clicksEach] = [10, 30, 20];
/** For compilers, and for what a page asks for at first. */
const settleMs = 5_000;

interface LongTasks {
  readonly count: number;
  readonly longestMs: number;
}

const noteLongTasks = `
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longTasks.push(duration);
  }).observe({ type: "longtask" });
`;
const takeLongTasks = `({ count: longTasks.length, longestMs: Math.max(0, ...longTasks.splice(0)) })`;

/** So many actors with much to do, before, while and after a page in Chromium looks at them. */
export async function measureCrowd(
  actors: number,
  results: Results<InspectorTask>,
  progress: (text: string) => void,
  profiles: string | undefined,
): Promise<void> {
  const flags = ["--expose-gc", "--import=tsx", "--conditions=greenroom-source"];
  if (profiles !== undefined) flags.push("--cpu-prof", `--cpu-prof-dir=${profiles}`);
  const server = new RemoteProcess<CrowdTasks>(fileURLToPath(new URL("crowd.ts", import.meta.url)), flags);
  const observe = async (moment: CrowdMoment, seconds: number) => {
    progress(`${actors} actors: ${moment}`);
    await server.ask("loopDelay");
    let before = await server.ask("totals");
    for (let second = 0; second < seconds; second += 1) {
      await pause(1_000);
      const [now, loopDelay] = await Promise.all([server.ask("totals"), server.ask("loopDelay")]);
      const passed = (now.ms - before.ms) / 1_000;
      const cpuMs = (now.cpuMicros - before.cpuMicros) / 1_000 / passed;
      const kib = (now.bytes - before.bytes) / 1_024 / passed;
      results.add(crowdTask(moment, actors), { cpuMs, kib, ...loopDelay });
      before = now;
    }
    results.add(heapTask(moment, actors), { mib: (await server.ask("heap")) / 1_048_576 });
  };
  try {
    const url = await server.ask("open", actors);
    await pause(settleMs);
    await observe("before", withoutSeconds);
    const browser = await launchBrowser({ installed: true });
    try {
      // What it is asked here is evaluated, which the page itself must not do.
      const page = await browser.newPage({ viewport, bypassCSP: true });
      await page.addInitScript({ content: noteLongTasks });
      await page.goto(url);
      await page.waitForSelector("#actors tbody tr");
      await pause(settleMs);
      await page.evaluate(takeLongTasks);
      await observe("looked at", lookingSeconds);
      results.add(longTasksTask(actors), { ...(await page.evaluate<LongTasks>(takeLongTasks)) });
      await click(page, actors, results, progress);
      await observe("looked at for long", withoutSeconds);
    } finally {
      await browser.close();
    }
    await pause(settleMs);
    await observe("after", withoutSeconds);
  } finally {
    await server.close();
  }
}

async function click(
  page: Page,
  actors: number,
  results: Results<InspectorTask>,
  progress: (text: string) => void,
): Promise<void> {
  for (const name of Object.keys(clicks) as ClickName[]) {
    progress(`${actors} actors: clicks, ${name}`);
    for (let time = 0; time < clicksEach; time += 1) {
      results.add(clickTask(name, actors), { ms: await clicks[name](page, time) });
    }
  }
}
