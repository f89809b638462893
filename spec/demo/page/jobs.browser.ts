import { expect } from "chai";
import type { Locator } from "playwright-core";
import { Premises } from "../../support/page.ts";
import type { Tab } from "../../support/page-parts.ts";
import { PlayedServer } from "../../support/played-server.ts";

const stateOf = (card: Locator) => card.locator(".job-state");
const kept = (tab: Tab) => tab.page.evaluate("localStorage.getItem('greenroom.jobs')");

describe("the demo's page: background jobs", () => {
  const demo = new Premises();

  it("runs each kind of job, and shows its result", async () => {
    const tab = await demo.openTab();
    const { jobs } = tab;
    await jobs.joins();
    expect(await jobs.lines(1)).to.deep.equal(["🔄 Background Job Processor: Connected!"]);
    const results = {
      translate: "🌍 Translated: 'hello' → 'hola'",
      analyze: "📊 Analysis of 'hello':\n• Characters: 5\n• Words: 1\n• Vowels: 2\n• Consonants: 3",
      generate: "🤖 AI Response to 'hello':\nI have thought about it, and would like to hear more.",
      default: "✅ Processed: HELLO",
    };
    for (const kind of Object.keys(results)) await jobs.does(kind, "hello");
    await stateOf(jobs.cards).getByText("done").nth(3).waitFor();
    expect(await jobs.cards.locator(".job-title").allTextContents()).to.deep.equal(
      Object.keys(results).map((kind) => `${kind} hello`),
    );
    expect(await jobs.cards.locator(".job-result").allInnerTexts()).to.deep.equal(Object.values(results));
    expect(await kept(tab)).to.equal("[]");
  });

  it("shows a hostile job as text", async () => {
    const { jobs, page } = await demo.openTab();
    const attack = '<img src="/missing" onerror="window.harmed = true">';
    await jobs.joins();
    const card = await jobs.does("translate", attack);
    await stateOf(card).getByText("done").waitFor();
    expect(await card.locator(".job-content").textContent()).to.equal(attack);
    expect(await card.locator(".job-result").textContent()).to.contain(attack);
    expect(await card.locator("img").count()).to.equal(0);
    expect(await page.evaluate("window.harmed")).to.equal(undefined);
  });

  it("drops a job that is unknown to the server, and shows the reason", async () => {
    const tab = await demo.openTab();
    const jobs = JSON.stringify([{ id: "gone", kind: "translate", content: "hello" }, "not ours"]);
    await tab.page.evaluate(`localStorage.setItem("greenroom.jobs", ${JSON.stringify(jobs)})`);
    await tab.page.reload();
    await stateOf(tab.jobs.cards).getByText("not done").waitFor();
    expect(await tab.jobs.cards.locator(".job-result").allTextContents()).to.deep.equal([
      "❌ Job gone is unknown: it ended more than 15 minutes ago, or never existed.",
    ]);
    expect(await kept(tab)).to.equal("[]");
  });

  describe("with a scripted server", () => {
    let server: PlayedServer;
    const tell = (message: object) => server.say(JSON.stringify(message));
    const told = () => server.texts.map((text) => JSON.parse(text));
    const isTold = async (card: Locator, words: string) =>
      stateOf(card).getByText(words, { exact: true }).waitFor();

    async function open(): Promise<Tab> {
      server = new PlayedServer();
      const tab = await demo.openTabWithClock();
      await server.play(tab.page, "/ws/backgroundjob");
      await tab.jobs.joins();
      return tab;
    }

    it("shows the progress of a job, and that it waits for a worker without news", async () => {
      const { jobs, page } = await open();
      const card = await jobs.does("translate", "hello");
      await isTold(card, "sending…");
      tell({ status: "queued", job_id: "7" });
      await isTold(card, "queued");
      await page.clock.fastForward(5_000);
      await isTold(card, "waits for a worker");
      tell({ type: "job_progress", job_id: "7", percent: 40 });
      await isTold(card, "40 %");
      const bar = card.getByRole("progressbar", { name: "translate: hello" });
      expect(await bar.evaluate((element) => element.getAttribute("value"))).to.equal("40");
      await page.clock.fastForward(5_000);
      await isTold(card, "40 %, waits for a worker");
      tell({ type: "job_progress", job_id: "7", percent: 10 }); // another worker starts again
      await isTold(card, "10 %");
      tell({ type: "job_result", job_id: "7", message: "one\ntwo" });
      await isTold(card, "done");
      expect(await card.locator(".job-result").innerText()).to.equal("one\ntwo");
      expect(await bar.count()).to.equal(0);
      await page.clock.fastForward(5_000);
      await isTold(card, "done");
    });

    it("watches its jobs again in a new session, and marks the unanswered ones", async () => {
      const tab = await open();
      const { jobs } = tab;
      const taken = await jobs.does("translate", "hello");
      tell({ status: "queued", job_id: "7" });
      await isTold(taken, "queued");
      await jobs.does("default", "world");
      const [first, second] = [jobs.cards.first(), jobs.cards.nth(1)];
      await tab.stopsTheClock();
      await server.cut();
      await isTold(first, "waits for the connection");
      await isTold(second, "sending…");
      await jobs.does("analyze", "later");
      const third = jobs.cards.last();
      await tab.goesOnline();
      await isTold(second, "not done");
      expect(await second.locator(".job-result").textContent()).to.match(/^The connection was lost/);
      await jobs.reaches("joined");
      tell({ type: "job_result", job_id: "7", message: "hola" });
      await isTold(first, "done");
      tell({ status: "queued", job_id: "8" });
      await isTold(third, "queued");
      expect(told().slice(2)).to.have.deep.members([
        { type: "analyze", content: "later" },
        { type: "watch", job_id: "7" },
      ]);
    });

    it("watches an unavailable job again after a pause, and shows a failed one", async () => {
      const { jobs, page } = await open();
      await jobs.does("translate", "hello");
      const card = jobs.cards.first();
      tell({ status: "queued", job_id: "7" });
      await isTold(card, "queued");
      tell({
        status: "error",
        message: "❌ The state of job 7 is unavailable. Watch it again in a moment.",
      });
      await isTold(card, "waits for the connection");
      await page.clock.fastForward(2_000);
      // A frame sent from here on comes after the page's own frames.
      await jobs.says("next");
      await jobs.cards.nth(1).waitFor();
      tell({
        type: "job_result",
        job_id: "7",
        message: "❌ The job failed three times, and is not retried.",
      });
      await isTold(card, "not done");
      expect(told()).to.deep.equal([
        { type: "translate", content: "hello" },
        { type: "watch", job_id: "7" },
        { type: "translate", content: "next" },
      ]);
    });

    it("shows each refusal at its job", async () => {
      const { jobs } = await open();
      await jobs.does("translate", "one");
      await jobs.does("translate", "two");
      tell({ status: "error", message: "❌ The job queue is full." });
      await isTold(jobs.cards.first(), "not done");
      expect(await jobs.cards.first().locator(".job-result").textContent()).to.equal(
        "❌ The job queue is full.",
      );
      tell({ status: "queued", job_id: "8" });
      await isTold(jobs.cards.last(), "queued");
      tell({ status: "error", message: "❌ The message is not JSON." });
      expect(await jobs.lines(1)).to.deep.equal(["❌ The message is not JSON."]);
    });
  });
});

describe("the demo's page: a slow job", () => {
  const demo = new Premises({ jobStepMs: 1_000 });

  it("is shown again after a reload of the page, up to its result", async () => {
    const tab = await demo.openTab();
    await tab.jobs.joins();
    const card = await tab.jobs.does("translate", "hello");
    await stateOf(card)
      .getByText(/queued|%/)
      .waitFor();
    expect(await kept(tab)).to.contain('"content":"hello"');
    await tab.page.reload();
    await stateOf(tab.jobs.cards).getByText("done").waitFor();
    expect(await tab.jobs.cards.locator(".job-result").allTextContents()).to.deep.equal([
      "🌍 Translated: 'hello' → 'hola'",
    ]);
    await tab.page.reload();
    expect(await tab.jobs.cards.count()).to.equal(0);
  });
});
