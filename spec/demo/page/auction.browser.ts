import { expect } from "chai";
import { Premises } from "../../support/page.ts";
import { type AuctionPanel, until } from "../../support/page-parts.ts";
import { PlayedServer } from "../../support/played-server.ts";

describe("the demo's page: auction", () => {
  const demo = new Premises();

  const shown = (auction: AuctionPanel, bid: string) =>
    auction.leading.getByText(bid, { exact: true }).waitFor();

  it("shows an idle lot, opens it, and shows its bids and the time to every tab", async () => {
    const { auction: ann } = await demo.openTab();
    const { auction: ben } = await demo.openTab();
    expect(await ann.leading.textContent()).to.equal("Connect to see the lot.");
    await ann.joins("17", "Ann");
    await ben.joins("17", "Ben");
    await ben.shows("idle");
    expect(await ben.facts.textContent()).to.equal("0 bids, no reserve");
    expect(await ben.countdown.textContent()).to.equal("");
    await ann.opens(600, 100);
    for (const tab of [ann, ben]) {
      await tab.countdown.getByText(/^closes in (10:00|9:5\d)$/).waitFor();
      expect(await tab.leading.textContent()).to.equal("No bid");
      expect(await tab.facts.textContent()).to.equal("0 bids, reserve 100");
      expect(await tab.open.getAttribute("aria-disabled")).to.equal("true");
    }
    await ann.bids(101);
    await shown(ben, "101 by Ann");
    await ben.bids(500);
    for (const tab of [ann, ben]) {
      await shown(tab, "500 by Ben");
      expect(await tab.facts.textContent()).to.equal("2 bids, reserve 100");
    }
    expect(await ann.lines(3)).to.deep.equal([
      "🔔 Open for bids, from a reserve of 100.",
      "Ann: 101",
      "Ben: 500",
    ]);
  });

  it("shows why a bid is refused at its field, until it changes, and gives the bid back", async () => {
    const { auction } = await demo.openTab();
    await auction.joins();
    const alert = auction.region.getByRole("alert");
    const refused = async (amount: number, why: string) => {
      await auction.bids(amount);
      await alert.getByText(why, { exact: true }).waitFor();
      expect(await auction.amount.inputValue()).to.equal(`${amount}`);
      expect(await auction.amount.getAttribute("aria-invalid")).to.equal("true");
      expect(await auction.amount.getAttribute("aria-describedby")).to.equal(await alert.getAttribute("id"));
      await auction.amount.fill("");
      expect(await alert.count()).to.equal(0);
    };
    await refused(5, "The bidding is not open.");
    await auction.opens(600, 100);
    await auction.shows("open");
    await refused(100, "Bid more than 100.");
    await auction.bids(200);
    await shown(auction, "200 by Guest");
    await refused(200, "Bid more than 200.");
  });

  it("goes on while the page is away, and shows what has changed", async () => {
    const server = new PlayedServer();
    const tab = await demo.openTabWithClock();
    const say = (state: string, amount: number | null, bids: number, closesAt: number | null = null) =>
      server.say(
        JSON.stringify({ type: "state", state, amount, by: amount && "Ben", reserve: 0, closesAt, bids }),
      );
    const closesAt = Date.now() + 120_000;
    let sessions = 0;
    await server.play(tab.page, "/ws/lot/17", () => {
      sessions += 1;
      if (sessions === 1) say("open", null, 0, closesAt);
      else say("sold", 300, 3, closesAt);
    });
    await tab.auction.joins();
    await tab.auction.shows("open");
    await server.cut();
    await tab.auction.shows("sold");
    await shown(tab.auction, "300 by Ben");
    expect(await tab.auction.countdown.textContent()).to.equal("");
    expect(await tab.auction.open.getAttribute("aria-disabled")).to.equal("false");
    expect(await tab.auction.lines(3)).to.deep.equal([
      "🔔 Open for bids, from a reserve of 0.",
      "Ben: 300",
      "🔨 Sold to Ben for 300.",
    ]);
  });

  it("counts down to the close, tells that the lot is going, and that it is sold", async () => {
    const server = new PlayedServer();
    const tab = await demo.openTabWithClock();
    const say = (state: string, closesAt: number) =>
      server.say(
        JSON.stringify({ type: "state", state, amount: null, by: null, reserve: 5, closesAt, bids: 0 }),
      );
    await server.play(tab.page, "/ws/lot/17");
    await tab.auction.joins();
    await tab.stopsTheClock();
    const now: number = await tab.page.evaluate("Date.now()");
    say("open", now + 61_000);
    await tab.auction.countdown.getByText("closes in 1:01", { exact: true }).waitFor();
    await tab.page.clock.fastForward(57_000);
    await tab.auction.countdown.getByText("closes in 0:04", { exact: true }).waitFor();
    say("going", now + 61_000);
    await tab.auction.shows("going");
    await tab.page.clock.fastForward(5_000);
    await tab.auction.countdown.getByText("closes in 0:00", { exact: true }).waitFor();
    say("sold", now + 61_000);
    await tab.auction.shows("sold");
    await until(async () => (await tab.auction.countdown.textContent()) === "");
    expect(await tab.auction.lines(3)).to.deep.equal([
      "🔔 Open for bids, from a reserve of 5.",
      "⏳ Going once, going twice…",
      "🔨 Closed without a bid.",
    ]);
  });

  it("shows the server's reason for refusing a lot", async () => {
    const { auction } = await demo.openTab();
    for (const name of ["a lot", "x".repeat(41)]) {
      const answer = await fetch(new URL(`/ws/lot/${encodeURIComponent(name)}`, demo.url));
      expect(answer.status).to.equal(400);
      await auction.lot.fill(name);
      await auction.connect.press("Enter");
      await auction.status.getByText(`Refused: ${(await answer.text()).trim()}`, { exact: true }).waitFor();
    }
  });

  it("shows names as text", async () => {
    const { auction, page } = await demo.openTab();
    const name = "<img src=x onerror=window.harmed=1>WWWWW";
    await auction.joins("17", name);
    await auction.opens(600);
    await auction.shows("open");
    await auction.bids(7);
    await shown(auction, `7 by ${name}`);
    expect(await auction.leading.getAttribute("title")).to.equal(`7 by ${name}`);
    expect(await auction.region.locator("img").count()).to.equal(0);
    expect(await page.evaluate("window.harmed")).to.equal(undefined);
  });
});
