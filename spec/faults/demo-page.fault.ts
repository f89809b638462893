import { expect } from "chai";
import type { Browser } from "playwright-core";
import { launchBrowser } from "../support/browser.ts";
import {
  type DemoProcess,
  type DemoProgramProcess,
  runDemo,
  startDemoProcess,
  startWorkerProcess,
} from "../support/demo-process.ts";
import { byHand } from "../support/page.ts";
import { Tab } from "../support/page-parts.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";

describe("the demo's page, on two servers, two workers and one Redis", () => {
  let browser: Browser;
  let redis: RedisServer;
  let servers: readonly [DemoProcess, DemoProcess];
  let workers: readonly [DemoProgramProcess, DemoProgramProcess];
  let ann: Tab;
  let ben: Tab;

  const start = (port = "0") => startDemoProcess({ REDIS_URL: redis.url, PORT: port });
  const work = () => startWorkerProcess({ REDIS_URL: redis.url }, "--step-ms", "1000");

  async function open({ url }: DemoProcess): Promise<Tab> {
    // Each tab in its own window, because a hidden tab gets few frames.
    const context = await browser.newContext({ reducedMotion: "reduce" });
    const tab = new Tab(await context.newPage());
    tab.page.setDefaultTimeout(30_000);
    await tab.page.goto(`${url}${byHand}`);
    return tab;
  }

  before(async () => {
    redis = await startRedisServer();
    const [one, two, first, second, opened] = await Promise.all([
      start(),
      start(),
      work(),
      work(),
      launchBrowser(),
    ]);
    servers = [one, two];
    workers = [first, second];
    browser = opened;
    [ann, ben] = await Promise.all([open(one), open(two)]);
  });
  after(async () => {
    await browser.close();
    await Promise.all([...servers, ...workers].map((each) => each.stop("SIGKILL")));
    await redis.stop();
  });

  it("lets two tabs chat, see each other, and receive messages of an outside sender", async () => {
    await ann.room.joins("stage", "Ann");
    expect(await ann.room.members(1)).to.deep.equal(["Ann"]);
    await ben.room.joins("stage", "Ben");
    await ann.room.present.getByText("Ben").waitFor();
    for (const { room } of [ann, ben]) expect(await room.members(2)).to.have.members(["Ann", "Ben"]);
    await ann.room.says("Five minutes, please.");
    await ben.room.log.getByText("Ann: Five minutes, please.").waitFor();
    const { code, said } = await runDemo("send", ["talk", "stage", "from", "outside"], {
      REDIS_URL: redis.url,
    });
    expect([code, said]).to.deep.equal([0, ""]);
    for (const { room } of [ann, ben]) await room.log.getByText("npm run send: from outside").waitFor();
  });

  it("carries the showcase over all layers", async () => {
    for (const { page } of [ann, ben])
      await page.getByRole("button", { name: "Connect all four" }).press("Enter");
    for (const name of ["chat", "reliable", "notifications", "analytics"] as const) {
      for (const tab of [ann, ben]) await tab[name].reaches("joined");
      const to = name === "notifications" ? "notification" : name;
      expect(await runDemo("send", [to, `to all of ${name}`], { REDIS_URL: redis.url })).to.have.property(
        "code",
        0,
      );
      for (const tab of [ann, ben]) await tab[name].log.getByText(`to all of ${name}`).waitFor();
    }
  });

  it("shows a job's progress up to its result, even if its worker is killed", async () => {
    await ann.jobs.joins();
    const card = await ann.jobs.does("translate", "good morning");
    await card.getByText(/^[2-9]0\s%$/).waitFor();
    const busy = workers.find(({ printed }) => printed.some((line) => line.includes("begun")));
    await busy?.stop("SIGKILL");
    // Another worker takes the job over after 5 s, and takes 10 s.
    await card.getByText("'good morning' → 'buenos días'").waitFor({ timeout: 60_000 });
    const other = workers.find((worker) => worker !== busy);
    expect(other?.printed.filter((line) => line.includes("attempt 2"))).to.have.length(1);
  });

  it("shows that its server is gone, and reconnects by itself", async () => {
    const [one, two] = servers;
    await one.stop("SIGKILL");
    await ann.room.status.getByText("The connection is lost. Reconnecting by itself.").waitFor();
    expect(await ben.room.status.textContent()).to.equal("Connected to room stage.");
    servers = [await start(new URL(one.url).port), two];
    await ann.room.reaches("joined");
    await ben.room.says("Welcome back.");
    await ann.room.log.getByText("Ben: Welcome back.").waitFor();
    // The reliable chat has all messages, so it shows no gap.
    await ann.reliable.reaches("joined");
    expect(await ann.reliable.log.getByText("is not shown here").count()).to.equal(0);
    // The browser itself writes a line for each failed connection.
    const ofTheOutage = /WebSocket|ERR_CONNECTION/;
    expect([...ann.errors, ...ben.errors].filter((error) => !ofTheOutage.test(error))).to.deep.equal([]);
  });
});
