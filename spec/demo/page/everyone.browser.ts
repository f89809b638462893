import { expect } from "chai";
import { violations } from "../../support/axe.ts";
import { Premises } from "../../support/page.ts";
import type { Tab } from "../../support/page-parts.ts";

/** Text that overflows its box. Fields scroll, and names of members and bidders are truncated. */
const cutText = `[...document.querySelectorAll("body *:not(.unseen, input, .present li, .typing, .leading)")]
  .filter((element) => element.clientWidth > 0 && element.scrollWidth > element.clientWidth)
  .filter((element) => getComputedStyle(element).display !== "inline")
  .map((element) => element.outerHTML.slice(0, 80))`;

/** The position of each element that does not scroll. */
const places = `[...document.querySelectorAll("section, h2, h3, .door, .machine, .status, .paper, .present ul, .board, .log, .composer")]
  .map((element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return [element.id || element.className, x + scrollX, y + scrollY, width, height].join(" ");
  })`;

/** The height of each panel on a phone, in screens. */
const phone = { width: 390, height: 844 };
const screens = `[...document.querySelectorAll("main > section")]
  .map((panel) => [panel.id, panel.getBoundingClientRect().height / ${phone.height}])`;

/** Uses all panels, with texts that are hard to lay out. */
async function enliven(tab: Tab): Promise<void> {
  const { system, room, jobs, auction, chat, reliable, notifications, analytics } = tab;
  const address = `https://example.com/${"long/".repeat(60)}`;
  await system.joins();
  await system.says("W".repeat(200));
  await room.joins("x".repeat(90), "W".repeat(40));
  await room.says(address);
  await room.members(1);
  await jobs.joins();
  await jobs.does("analyze", address);
  await auction.joins("x".repeat(40), "W".repeat(40));
  await auction.opens(3_600, 1_000_000);
  await auction.shows("open");
  await auction.bids(1_000_000);
  await auction.region.getByRole("alert").getByText("Bid more than").waitFor();
  await auction.bids(Number.MAX_SAFE_INTEGER);
  await auction.lines(2);
  await tab.page.getByRole("button", { name: "Connect all four" }).press("Enter");
  for (const panel of [chat, reliable, notifications]) {
    await panel.reaches("joined");
    await panel.says(address);
  }
  await analytics.reaches("joined");
  await analytics.send.click();
  for (const panel of [system, room, chat, reliable, notifications]) await panel.lines(2);
  await analytics.lines(1);
  await jobs.cards.locator(".job-state").getByText("done").waitFor();
}

describe("the demo's page: for everyone", () => {
  const demo = new Premises();

  it("works by keyboard alone", async () => {
    const { room, page } = await demo.openTab();
    const focused = () => page.evaluate("document.activeElement.id || document.activeElement.textContent");
    const parts = (panel: string, ...parts: string[]) => parts.map((part) => `${panel}-${part}`);
    const around = (panel: string, ...fields: string[]) =>
      parts(panel, ...fields, "connect", "disconnect", "log");
    const expected = [
      ...["System", "Room", "Jobs", "Auction", "Showcase", "Inspector"],
      ...[...around("system"), ...parts("system", "message", "send")],
      ...parts(
        "room",
        "name",
        "person",
        "rename",
        "connect",
        "disconnect",
        "plug",
        "members",
        "log",
        "message",
        "send",
      ),
      ...[...around("jobs"), ...parts("jobs", "kind", "message", "send")],
      ...parts("auction", "lot", "person", "connect", "disconnect"),
      ...parts("auction", "seconds", "reserve", "open", "log", "amount", "send"),
      "connect-all",
      ...["chat", "reliable", "notifications"].flatMap((id) => [
        ...around(id),
        ...parts(id, "message", "send"),
      ]),
      ...[...around("analytics"), ...parts("analytics", "send")],
    ];
    const stops: unknown[] = [];
    while (stops.length < expected.length) {
      await page.keyboard.press("Tab");
      stops.push(await focused());
    }
    expect(stops).to.deep.equal(expected);
    await page.locator("#room-name").focus();
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("keys");
    await page.keyboard.press("Enter");
    await room.reaches("joined");
    expect(await focused()).to.equal("room-message");
    await page.keyboard.type("no mouse");
    await page.keyboard.press("Enter");
    expect((await room.texts(1)).at(-1)).to.match(/^Guest \d{4}: no mouse$/);
    expect(await focused()).to.equal("room-message");
    for (let n = 0; n < 4; n++) await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await room.reaches("closed");
    expect(await focused()).to.equal("room-disconnect");
  });

  it("passes axe in light and dark, idle and in use, and truncates no text at any width, with three screens per panel at most", async function () {
    this.timeout(60_000);
    const tab = await demo.openTab();
    const names = ["System Messages", "Room Chat", "Background Jobs", "Auction", "Showcase"];
    for (const name of [...names, "Chat", "Reliable Chat", "Notifications", "Analytics"])
      expect(await tab.page.getByRole("region", { name, exact: true }).count(), name).to.equal(1);
    const look = async () => {
      for (const colorScheme of ["light", "dark"] as const) {
        await tab.page.emulateMedia({ colorScheme });
        expect(await violations(tab.page), colorScheme).to.deep.equal([]);
      }
      for (const width of [360, 768, 1440]) {
        await tab.page.setViewportSize({ width, height: 800 });
        expect(await tab.page.evaluate("document.documentElement.scrollWidth")).to.equal(width);
        expect(await tab.page.evaluate(cutText), `${width}`).to.deep.equal([]);
      }
      await tab.page.setViewportSize(phone);
      for (const [id, height] of await tab.page.evaluate<[string, number][]>(screens))
        expect(height, `screens of ${id}`).to.be.at.most(3);
    };
    await look();
    await enliven(tab);
    await look();
  });

  it("shifts no layout: on load, by messages, members, jobs and bids, or when the server goes away", async function () {
    this.timeout(60_000);
    const { system, room, jobs, auction, page } = await demo.openTab((page) =>
      page.setViewportSize({ width: 360, height: 740 }),
    );
    expect(
      await page.evaluate(`new Promise((resolve) =>
        new PerformanceObserver((list) => resolve(list.getEntries().map(({ name }) => name)))
          .observe({ type: "paint", buffered: true }))`),
    ).to.include("first-paint");
    expect(
      await page.evaluate(`(() => {
        const observer = new PerformanceObserver(() => {});
        observer.observe({ type: "layout-shift", buffered: true });
        return observer.takeRecords().map(({ value }) => value);
      })()`),
    ).to.deep.equal([]);
    const before: string[] = await page.evaluate(places);
    await system.joins();
    await room.joins("general", "W".repeat(40));
    for (let n = 1; n <= 8; n++) await room.says(`line ${n}`);
    await room.texts(8);
    for (let n = 1; n <= 2; n++) await (await demo.openTab()).room.joins("general", `${n}${"W".repeat(39)}`);
    await room.members(3);
    expect(await page.evaluate(places)).to.deep.equal(before);
    await jobs.joins();
    await jobs.does("analyze", "hello");
    await jobs.cards.locator(".job-state").getByText("done").waitFor();
    expect(await page.evaluate(places)).to.deep.equal(before);
    await auction.joins();
    await auction.opens(600, 100);
    await auction.shows("open");
    await auction.bids(101);
    await auction.lines(2);
    expect(await page.evaluate(places)).to.deep.equal(before);
    await demo.close();
    await room.timer.getByText(/^(next try in|trying now)/).waitFor();
    expect(await page.evaluate(places)).to.deep.equal(before);
    const panels = [room, system, jobs, auction];
    for (const panel of panels) await panel.disconnect.press("Enter");
    for (const panel of panels) await panel.reaches("closed");
    expect(await page.evaluate(places)).to.deep.equal(before);
    await demo.restart();
    await room.roomName.fill("green room!"); // its address wraps to a second line
    const typed: string[] = await page.evaluate(places);
    await room.connect.press("Enter");
    await room.status.getByText(/^Refused: .{100}/).waitFor();
    const standing = (all: string[]) =>
      all.filter((place) => !/^(room-(status|log|members)|paper) /.test(place));
    expect(standing(await page.evaluate(places))).to.deep.equal(standing(typed));
  });

  it("runs without errors, and requests its own server only", async () => {
    const tab = await demo.openTab();
    await enliven(tab);
    await tab.room.leaves();
    expect(tab.errors).to.deep.equal([]);
    const { host } = new URL(demo.url);
    expect(new Set(tab.sockets.map((url) => new URL(url).host))).to.deep.equal(new Set([host]));
    expect(new Set(tab.requests.map((url) => new URL(url).host))).to.deep.equal(new Set([host]));
  });

  it("shows its content and its need for JavaScript without JavaScript", async () => {
    const text = await demo.readWithoutScripts();
    for (const words of [
      "needs JavaScript",
      "System Messages",
      "One actor, on its own.",
      "No other client does.",
      "Its closing time survives the server.",
      "Showcase",
    ])
      expect(text).to.contain(words);
  });
});
