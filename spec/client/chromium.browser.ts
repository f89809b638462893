import { expect } from "chai";
import type { Gap } from "greenroom/client";
import type { Page } from "playwright-core";
import { until } from "../layers/support/until.ts";
import { type Line, unusedPort } from "../support/lines.ts";
import { Counting } from "./support/counting.ts";
import { expectOnceOrInAGap } from "./support/journal.ts";
import { Pages } from "./support/pages.ts";

describe("A client in Chromium", () => {
  const pages = new Pages("counting.ts", (runtime) => runtime.route("/count", Counting), {
    isKeepingPages: true,
  });

  beforeEach(() => Counting.reset());

  const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index + 1));
  const frames = (actor: number, count: number) => numbers(count).map((number) => `${actor}.${number}`);
  const line = () => pages.lines.newest as Line;
  const entriesOf = (page: Page) => page.evaluate<(string | Gap)[]>("app.entries");
  const stateOf = (page: Page) => page.evaluate<string>("app.client.status.state");
  const reaches = (page: Page, state: string) => until(async () => (await stateOf(page)) === state);
  const send = (page: Page, count: number) => page.evaluate(`app.send(${count})`);
  const handles = (page: Page, count: number) =>
    until(async () => (await page.evaluate("app.handled")) === count);
  const hears = (page: Page, text: string) => until(async () => (await entriesOf(page)).includes(text));

  async function join() {
    const count = Counting.all.length;
    const page = await pages.open();
    await reaches(page, "joined");
    expect(Counting.all).to.have.length(count + 1);
    return { page, actor: Counting.newest as Counting };
  }

  /** Exchanges frames in both directions, and checks that nothing was lost or repeated since the page was opened. */
  async function exchange(page: Page, actor: Counting, count: number) {
    const handled = actor.took.length + count;
    actor.count(count);
    await send(page, count);
    await handles(page, handled);
    await hears(page, `${Counting.all.indexOf(actor) + 1}.${actor.sent}`);
    expect(actor.took).to.deep.equal(numbers(handled));
    expect(await entriesOf(page)).to.deep.equal(frames(Counting.all.indexOf(actor) + 1, actor.sent));
  }

  it("exchanges each frame once and in order while the line is cut, also in the middle of frames", async () => {
    const { page, actor } = await join();
    await page.evaluate("app.comeBackAtOnce()");
    for (const bytes of [0, 1, 3, 5, 9, 30]) {
      for (const direction of ["up", "down"] as const) {
        const held = line();
        const { count } = pages.lines;
        held.hold(direction);
        actor.count(10);
        await send(page, 10);
        await until(() => held.held(direction) > 30);
        held.leak(direction, bytes);
        held.cut();
        await until(() => pages.lines.count > count);
        await reaches(page, "joined");
      }
    }
    await handles(page, 120);
    await exchange(page, actor, 1);
    expect(Counting.all).to.have.length(1);
  });

  it("ends its session at once when the page is reloaded, and begins another", async () => {
    const { page, actor } = await join();
    await exchange(page, actor, 3);
    await page.reload();
    await until(() => actor.exit !== undefined);
    await reaches(page, "joined");
    expect(actor.exit).to.match(/by client$/);
    expect(Counting.all).to.have.length(2);
    await exchange(page, Counting.newest as Counting, 3);
  });

  it("ends its session at once when the tab is closed", async () => {
    const { page, actor } = await join();
    await page.close({ runBeforeUnload: true });
    await until(() => actor.exit !== undefined);
    expect(actor.exit).to.match(/by client$/);
  });

  it("has a session of its own in a duplicated tab, which has the storage of the first", async () => {
    const { page, actor } = await join();
    await page.evaluate("sessionStorage.setItem('mark', 'copied')");
    const opened = pages.context.waitForEvent("page");
    await page.evaluate("void open(location.href)");
    const copy = await opened;
    await copy.waitForFunction("globalThis.app");
    await reaches(copy, "joined");
    expect(await copy.evaluate("sessionStorage.getItem('mark')")).to.equal("copied");
    expect(Counting.all).to.have.length(2);
    await exchange(copy, Counting.newest as Counting, 3);
    await exchange(page, actor, 3);
    expect(Counting.all.map(({ exit, isAway }) => exit ?? isAway)).to.deep.equal([false, false]);
  });

  it("goes on in each of two tabs while the line of the other is cut", async () => {
    const first = await join();
    const firstLine = line();
    const second = await join();
    firstLine.cut();
    await exchange(second.page, second.actor, 5);
    await exchange(first.page, first.actor, 5);
    line().cut();
    await exchange(second.page, second.actor, 5);
    await exchange(first.page, first.actor, 5);
    expect(Counting.all).to.have.length(2);
  });

  it("resumes its session when the browser shows a kept page again", async () => {
    const { page, actor } = await join();
    await exchange(page, actor, 3);
    await page.evaluate("app.move('pagehide')");
    await until(() => actor.isAway);
    actor.count(3);
    await page.evaluate("app.move('pageshow')");
    await exchange(page, actor, 3);
    expect(Counting.all).to.have.length(1);
  });

  // Chromium without a window keeps no page.
  it("exchanges each frame once when the user goes back to its page, in another session unless it was kept", async () => {
    const { page, actor } = await join();
    await exchange(page, actor, 3);
    await page.goto(`${pages.url}elsewhere`);
    await until(() => actor.isAway || actor.exit !== undefined);
    await page.goBack();
    await reaches(page, "joined");
    const isKept = await page.evaluate<boolean>("app.moves.includes('pageshow, kept')");
    expect(actor.exit !== undefined).to.equal(!isKept);
    expect(Counting.all).to.have.length(isKept ? 1 : 2);
    await exchange(page, Counting.newest as Counting, 3);
  });

  /** A beat for the specs that stop a page for longer than it. */
  const beatMs = 300;

  for (const [what, meanwhile] of [
    ["", () => {}],
    [" and its line is cut meanwhile", () => line().cut()],
  ] as const) {
    it(`exchanges each frame once although its process is stopped for longer than the beat${what}`, async () => {
      pages.lines.lead(await pages.startAnother({ pingIntervalMs: beatMs }));
      const { page, actor } = await join();
      await exchange(page, actor, 3);
      await send(page, 3);
      const goOn = await stopRenderers();
      meanwhile();
      const started = performance.now();
      actor.count(3);
      await until(() => performance.now() - started > 4 * beatMs);
      actor.count(3);
      goOn();
      await handles(page, 6);
      await exchange(page, actor, 3);
      expect(Counting.all).to.have.length(1);
    });
  }

  it("exchanges each frame once over an offline phase, which pauses its socket", async () => {
    const { page, actor } = await join();
    await pages.context.setOffline(true);
    actor.count(3);
    await send(page, 3);
    await pages.context.setOffline(false);
    await handles(page, 3);
    await exchange(page, actor, 3);
    expect(Counting.all).to.have.length(1);
  });

  for (const [event, wake] of [
    ["the browser is online again", () => pages.context.setOffline(false)],
    ["its page is visible again", (page: Page) => page.evaluate("app.wake()")],
  ] as const) {
    it(`comes back without its delay when ${event}`, async () => {
      const { page, actor } = await join();
      await page.evaluate("app.waitForever()");
      if (event.includes("online")) await pages.context.setOffline(true);
      line().cut();
      await reaches(page, "away");
      actor.count(3);
      await send(page, 3);
      await wake(page);
      await handles(page, 3);
      await exchange(page, actor, 3);
      expect(Counting.all).to.have.length(1);
    });
  }

  it("hears of one gap when its server is replaced by another", async () => {
    const { page, actor } = await join();
    await exchange(page, actor, 3);
    pages.lines.lead(unusedPort);
    line().cut();
    await reaches(page, "away");
    await pages.runtime.close({ drainMs: 100 });
    await send(page, 3);
    pages.lines.lead(await pages.startAnother());
    await page.evaluate("app.wake()");
    await reaches(page, "joined");
    await handles(page, 6);
    Counting.newest?.count(3);
    await hears(page, "2.3");
    const entries = await entriesOf(page);
    expectOnceOrInAGap(entries, 3);
    expect(entries.filter((entry) => typeof entry !== "string")).to.have.length(1);
    expect(Counting.took).to.deep.equal(numbers(6));
  });

  /** Stops the processes of all pages. @returns a function that continues them. */
  async function stopRenderers(): Promise<() => void> {
    const session = await pages.browser.newBrowserCDPSession();
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    const renderers = processInfo.filter(({ type }) => type === "renderer");
    expect(renderers).not.to.deep.equal([]);
    for (const { id } of renderers) process.kill(id, "SIGSTOP");
    return () => {
      for (const { id } of renderers) process.kill(id, "SIGCONT");
    };
  }
});
