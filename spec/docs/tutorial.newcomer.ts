import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "../support/browser.ts";
import { run } from "../support/child-process.ts";
import { Client } from "../support/client.ts";
import { freePort } from "../support/free-port.ts";
import { Newcomer } from "../support/newcomer.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { bidOnLot, chatInRoom, pages, talkInRoom, tutorial } from "../support/tutorial.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A panel of the tutorial's page, as a reader finds it. */
function panel(page: Page, name: string) {
  const section = page.locator("section", { has: page.getByRole("heading", { name }) });
  return {
    state: (state: string) => section.getByRole("status").getByText(state, { exact: true }).waitFor(),
    shows: (text: string | RegExp) =>
      section.getByRole("listitem").getByText(text, { exact: true }).first().waitFor(),
    lines: () => section.getByRole("listitem").allTextContents(),
    async says(text: string) {
      await section.getByRole("textbox").fill(text);
      await section.getByRole("button", { name: "Send" }).click();
    },
  };
}

describe("the tutorial, followed by a newcomer in an empty folder, with the packed package", function () {
  this.timeout(300_000); // npm, the compiler, a browser, a few servers, and a lot that is open for a minute
  let folder: string;
  let redis: RedisServer;
  let browser: Browser;
  let newcomer: Newcomer;
  let isStuck = false;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "greenroom-tutorial-"));
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: root });
    const packed = join(folder, /greenroom-[\d.]+\.tgz/.exec(stdout)?.[0] ?? "");
    redis = await startRedisServer();
    browser = await launchBrowser();
    newcomer = new Newcomer(
      folder,
      {
        "npm install greenroom\n": `npm install ${packed}\n`,
        // The server is ended and started again meanwhile.
        '"seconds":20': '"seconds":60',
        "localhost:6399": `${redis.host}:${redis.port}`,
        "8080": String(await freePort()),
        "8081": String(await freePort()),
      },
      ["Redis"],
    );
  });
  beforeEach(function () {
    if (isStuck) this.skip(); // what a page does is missing in the next
  });
  afterEach(async function () {
    isStuck ||= this.currentTest?.state === "failed";
    await Promise.all(browser.contexts().map((context) => context.close()));
  });
  after(async () => {
    await newcomer?.leave();
    await browser?.close();
    await redis?.stop();
    await rm(folder, { recursive: true });
  });

  const follow = async (page: string) => newcomer.follow(await readFile(join(tutorial, page), "utf8"));
  const address = () => newcomer.readingOf("http://localhost:8080");

  async function openPage(query = ""): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(15_000); // and then says what it has waited for
    await page.goto(`${address()}/${query}`);
    return page;
  }

  it("knows all pages there are", async () => {
    const contents = await readFile(join(tutorial, "README.md"), "utf8");
    expect([...contents.matchAll(/\((\d-[\w-]+\.md)\)/g)].map(([, name]) => name)).to.deep.equal(pages);
  });

  it("serves a page after the preparation", async () => {
    await follow("1-preparation.md");
    const page = await openPage();
    await page.getByText("No connections yet").waitFor();
  });

  it("has a connection that answers after the system messages", async () => {
    await follow("2-system-messages.md");
    // As the page says in the end.
    await newcomer.follow("```sh\n# server\nnpx tsx server.ts\n```\n```text\nOpen …\n```\n");
    const system = panel(await openPage(), "System messages");
    await system.state("joined");
    await system.says("hello");
    await system.shows("🔧 Echo: hello");
  });

  it("has a working room chat after that step: two clients chat, and so do two tabs", async () => {
    await follow("3-room-chat.md");
    const { one, two } = await chatInRoom(address());
    await two.close();
    expect(await one.next()).to.equal("👋 Someone left room 'general'");

    const tab = panel(await openPage(), "Room chat");
    const other = panel(await openPage(), "Room chat");
    const kitchen = panel(await openPage("?room=kitchen"), "Room chat");
    for (const each of [tab, other]) await each.shows("🚪 Someone joined room 'general'");
    await kitchen.shows("🚪 Someone joined room 'kitchen'");
    await tab.says("<b>from a tab</b>");
    await other.shows("💬 <b>from a tab</b>");
    expect(await one.take(3)).to.include("💬 <b>from a tab</b>");
    await kitchen.says("in the kitchen");
    await kitchen.shows("💬 in the kitchen");
    expect(await kitchen.lines()).to.deep.equal(["🚪 Someone joined room 'kitchen'", "💬 in the kitchen"]);
  });

  it("has jobs that show their progress, and survive their worker, after the background jobs", async () => {
    await follow("4-background-jobs.md");
    const jobs = panel(await openPage(), "Background jobs");
    await jobs.state("joined");
    await jobs.says("green");
    await jobs.shows("✅ neerg");
    expect(await jobs.lines()).to.deep.equal(["📋 Queued", "⏳ 25 %", "⏳ 50 %", "⏳ 75 %", "✅ neerg"]);
  });

  it("has a page that gets what it missed after the showcase", async () => {
    await follow("5-showcase.md");
    const page = await openPage();
    const [reliable, notifications] = [panel(page, "Reliable chat"), panel(page, "Notifications")];
    await notifications.state("joined");
    await notifications.says("hello");
    await notifications.shows("🔔 hello");
    await reliable.state("joined");
    await reliable.says("hello");
    await reliable.shows("📨 hello");
    await newcomer.follow("```sh\n# server: Ctrl+C\n```\n");
    for (const each of [reliable, notifications]) await each.state("away");
    const send = "REDIS_URL=redis://localhost:6399 npx tsx send.ts";
    await newcomer.follow(`\`\`\`sh\n${send} reliable missed\n${send} notify gone\n\`\`\`\n`);
    await newcomer.follow(
      "```sh\n# server\nREDIS_URL=redis://localhost:6399 npx tsx server.ts\n```\n```text\nOpen …\n```\n",
    );
    await reliable.shows("📨 missed");
    await notifications.state("joined");
    await notifications.says("on we go");
    await notifications.shows("🔔 on we go");
    expect(await reliable.lines()).to.deep.equal(["📨 hello", "📨 missed"]);
    expect(await notifications.lines()).to.deep.equal(["🔔 hello", "🔔 on we go"]);
  });

  it("has the customisations after that step", async () => {
    await follow("6-customisations.md");
    const refused = await Client.refused(`${address()}/ws/members/attic`);
    expect(refused).to.deep.equal({ status: 403, body: "The room attic is not open" });
  });

  it("has a room with a contract after that step: two clients talk, so do two tabs, and bad frames are refused", async () => {
    await follow("7-contract.md");
    await talkInRoom(address());
    const tab = panel(await openPage(), "Talk");
    const other = panel(await openPage(), "Talk");
    for (const each of [tab, other]) await each.state("joined");
    await tab.says("<b>from a tab</b>");
    await other.shows("💬 Someone: <b>from a tab</b>");
    await tab.says("x".repeat(201));
    await tab.shows(/^The payload of "say" is not valid: message: ./);
    await tab.says("on we go");
    await other.shows("💬 Someone: on we go");
    expect((await other.lines()).filter((line) => line.includes("not valid"))).to.deep.equal([]);
  });

  it("has lots in the end, whose state and closing time survive a restart of the server", async () => {
    await follow("8-named-actors.md");
    await bidOnLot(address());
  });
});
