import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { createServer } from "vite";
import { launchBrowser } from "./browser.ts";

const timeout = 60_000;
let server: ChildProcess | undefined;
let browser: Browser | undefined;
after(async () => {
  server?.kill("SIGKILL");
  await browser?.close();
});

/** Starts the server in production. Returns its address. */
async function startServer(port: string): Promise<string> {
  const started = spawn(process.execPath, ["--import", "tsx", "main.ts"], {
    env: { ...process.env, PORT: port },
    stdio: ["ignore", "pipe", "inherit"],
  });
  server = started;
  const [line] = await once(createInterface(started.stdout), "line");
  return /http:\S+/.exec(line)?.[0] ?? "";
}

async function stopServer(): Promise<void> {
  server?.kill("SIGTERM");
  assert.deepEqual(await once(server as ChildProcess, "exit"), [0, null]);
}

/** Opens the page at `url`, and joins the room. */
async function join(url: string, name: string): Promise<Page> {
  browser ??= await launchBrowser();
  const page = await browser.newPage();
  page.setDefaultTimeout(timeout);
  page.on("pageerror", (error) => assert.fail(error));
  await page.goto(url);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Join" }).click();
  return page;
}

const sees = (page: Page, ...texts: string[]) =>
  Promise.all(texts.map((text) => page.getByText(text, { exact: true }).waitFor()));

const seesMembers = (page: Page, ...texts: string[]) =>
  Promise.all(texts.map((text) => page.getByLabel("Members").getByText(text, { exact: true }).waitFor()));

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Your text").fill(text);
  await page.getByRole("button", { name: "Say" }).click();
}

test("two pages talk, and go on after a restart of the server", { timeout: 3 * timeout }, async () => {
  const url = await startServer("0");
  const ada = await join(url, "Ada");
  const bob = await join(url, "Bob");
  await seesMembers(ada, "Ada", "Bob");

  await ada.getByLabel("Your text").fill("hello");
  await sees(bob, "Ada is typing …");
  await ada.getByRole("button", { name: "Say" }).click();
  await sees(bob, "Ada hello");
  await seesMembers(bob, "Ada");
  await bob.getByLabel("Your text").fill("welcome");
  await sees(ada, "Bob is typing …");

  await stopServer();
  await Promise.all([ada, bob].map((page) => sees(page, "Reconnecting")));
  await startServer(new URL(url).port);
  await say(ada, "back again");
  await sees(ada, "Ada back again", "Connected");
  // Eve gets the last texts, and the new actor of Bob has learned that he types.
  const eve = await join(url, "Eve");
  await sees(eve, "Ada back again");
  await seesMembers(eve, "Ada", "Bob is typing …", "Eve");
  await bob.getByRole("button", { name: "Say" }).click();
  await sees(eve, "Bob welcome");
  // Both pages are those of the beginning: the server has forgotten the first text.
  for (const page of [ada, bob]) await sees(page, "Ada hello", "Ada back again", "Bob welcome");

  await eve.goto("about:blank"); // a page that is left says so, and one that is cut off stays a member for a minute
  await ada.getByText("Eve", { exact: true }).waitFor({ state: "detached" });
  await stopServer();
});

test("the development server of Vite serves the page and the room", { timeout }, async () => {
  const vite = await createServer({ server: { port: 0 }, logLevel: "error" });
  try {
    await vite.listen();
    const page = await join(vite.resolvedUrls?.local[0] ?? "", "Dev");
    await say(page, "hello");
    await sees(page, "Dev hello", "Connected");
    await page.close();
  } finally {
    await vite.close();
  }
});
