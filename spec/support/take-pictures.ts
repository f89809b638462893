import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { startDemo } from "../../demo/server.ts";
import { launchBrowser } from "./browser.ts";
import { Client } from "./client.ts";
import { InspectorTab } from "./inspector-tab.ts";
import { byHand } from "./page.ts";
import { Tab } from "./page-parts.ts";

// `npm run pictures`: screenshots of the demo's page and the inspector, for the docs.

const folder = fileURLToPath(new URL("../../docs/pictures", import.meta.url));
const wide = { width: 1280, height: 800 };

const pictures: readonly (readonly [name: string, options: BrowserContextOptions])[] = [
  ["demo-light", { viewport: wide, colorScheme: "light" }],
  ["demo-dark", { viewport: wide, colorScheme: "dark" }],
  ["demo-phone", { viewport: { width: 360, height: 740 }, colorScheme: "light" }],
];

/** Starts a demo for each picture, so that a picture has no members of the previous one. */
async function take(browser: Browser, name: string, options: BrowserContextOptions): Promise<void> {
  const demo = await startDemo({ port: 0, jobStepMs: 400 });
  const open = async (more: BrowserContextOptions) => {
    const context = await browser.newContext({ ...more, reducedMotion: "reduce" });
    const page = await context.newPage();
    await page.goto(`${demo.url}${byHand}`);
    return new Tab(page);
  };
  try {
    const tab = await open(options);
    await fillIn(tab, [await open({}), await open({})]);
    const last = name === "demo-phone" ? "#auction" : "body";
    const height = await tab.page.evaluate<number>(
      `document.querySelector("${last}").getBoundingClientRect().bottom + scrollY`,
    );
    await tab.page.screenshot({
      path: `${folder}/${name}.png`,
      fullPage: true,
      clip: {
        x: 0,
        y: 0,
        width: options.viewport?.width ?? 0,
        height: Math.ceil(height) + (name === "demo-phone" ? 14 : 0),
      },
    });
    for (const context of browser.contexts()) await context.close();
  } finally {
    await demo.close();
  }
}

async function fillIn(tab: Tab, [ben, guest]: readonly [Tab, Tab]): Promise<void> {
  const { system, room, jobs, auction, chat, reliable, notifications, analytics, page } = tab;
  await system.joins();
  await system.says("Is this thing on?");
  await room.joins("general", "Ada");
  await ben.room.joins("general", "Ben");
  await guest.room.joins("general");
  await room.says("Five minutes, please.");
  await ben.room.says("Thank you, five!");
  await room.texts(2);
  await room.members(3);
  for (const { page } of [tab, ben])
    await page.getByRole("button", { name: "Connect all four" }).press("Enter");
  for (const panel of [chat, reliable, notifications, ben.chat, ben.reliable]) await panel.reaches("joined");
  await chat.says("Who has seen the prompter?");
  await ben.chat.says("In the box, asleep.");
  await reliable.says("What is said here is kept.");
  await notifications.says("Doors open at seven.");
  await analytics.reaches("joined");
  await analytics.send.click();
  await ben.analytics.send.press("Enter");
  await jobs.joins();
  await jobs.does("translate", "good morning");
  await jobs.cards.locator(".job-state").getByText("done").waitFor();
  await jobs.does("generate", "What is the weather like?");
  await jobs.cards
    .last()
    .getByText(/[3-9]0 %/)
    .waitFor();
  await jobs.does("analyze", "Break a leg");
  await jobs.cards
    .last()
    .getByText(/[1-9]0 %/)
    .waitFor();
  await auction.joins("17", "Ada");
  await ben.auction.joins("17", "Ben");
  await auction.opens(120, 100);
  await auction.shows("open");
  await ben.auction.bids(150);
  await auction.leading.getByText("150 by Ben").waitFor();
  await auction.bids(500);
  await auction.leading.getByText("500 by Ada").waitFor();
  await page.evaluate("document.activeElement.blur()");
}

const rooms = ["general", "backstage", "foyer", "general", "orchestra"];

async function inspect(browser: Browser, colorScheme: "light" | "dark"): Promise<void> {
  const demo = await startDemo({ port: 0 });
  const context = await browser.newContext({
    viewport: { width: 1440, height: 1010 },
    colorScheme,
    reducedMotion: "reduce",
  });
  try {
    const tab = new InspectorTab(await context.newPage());
    const shoot = (name: string) => tab.page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
    await tab.page.goto(demo.inspectorUrl);
    const paths = Array.from({ length: 60 }, (_, index) => `/ws/room/${rooms[index % rooms.length]}`);
    for (const path of [...paths, "/ws/system", "/ws/backgroundjob", "/ws/reliable", "/ws/analytics"])
      await Client.open(demo.url + path);
    await tab.consumers.getByText("RoomChat").click();
    await tab.counts("joined", 60);
    const late = await Client.open(`${demo.url}/ws/room/general`);
    await tab.counts("joined", 61);
    await shoot("inspector");
    await tab.rows.first().getByRole("link").click();
    await tab.page.getByRole("checkbox", { name: "Show payloads" }).check();
    late.send("Five minutes, please.");
    await tab.page.locator(".payload").getByText("Five minutes").last().waitFor();
    await shoot("inspector-actor");
  } finally {
    await context.close();
    await demo.close();
  }
}

await mkdir(folder, { recursive: true });
// The installed browser: its fonts have the demo's emoji.
const browser = await launchBrowser({ installed: true });
try {
  for (const [name, options] of pictures) await take(browser, name, options);
  for (const colorScheme of ["light", "dark"] as const) await inspect(browser, colorScheme);
} finally {
  await browser.close();
}
