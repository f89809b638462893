import { expect } from "chai";
import { Premises, Wire } from "../../support/page.ts";

describe("the demo's page: a connection", () => {
  const demo = new Premises();

  describe("the state", () => {
    it("is shown as it changes", async () => {
      const { room } = await demo.openTab();
      const lit = () => room.region.locator("li[aria-current]").allTextContents();
      expect(await room.status.textContent()).to.equal("Not connected yet.");
      expect(await lit()).to.deep.equal([]);
      await room.joins("general");
      expect(await room.status.textContent()).to.equal("Connected to room general.");
      expect(await lit()).to.deep.equal(["joined"]);
      await room.disconnect.click();
      await room.reaches("closed");
      expect(await room.status.textContent()).to.equal("Disconnected.");
      expect(await lit()).to.deep.equal(["closed"]);
      expect(await room.states()).to.deep.equal(["idle", "connecting", "joined", "closing", "closed"]);
    });
  });

  describe("after the loss of the server", () => {
    it("shows the loss, keeps the unsent text, and reconnects by itself", async () => {
      const { system } = await demo.openTab();
      await system.joins();
      await system.lines(1);
      await demo.close();
      await system.timer.getByText(/^reconnecting in \d+ s$/).waitFor();
      await system.status
        .getByText(/^The server (went away|is restarting)\. Reconnecting by itself\.$/)
        .waitFor();
      await system.says("anyone?");
      await system.status.getByText("Your message was not sent; it stays in the field.").waitFor();
      expect(await system.message.inputValue()).to.equal("anyone?");
      await demo.restart();
      await system.reaches("joined");
      await system.message.press("Enter");
      expect(await system.lines(4)).to.deep.equal([
        "🔧 System: Connection established!",
        "Connected again. Messages sent in between are not shown here.",
        "🔧 System: Connection established!",
        "🔧 System Echo: anyone?",
      ]);
      expect(await system.message.inputValue()).to.equal("");
    });

    it("waits longer after each try, up to 15 s, with jitter", async () => {
      const tab = await demo.openTabWithClock();
      const { room, page } = tab;
      await room.joins("general");
      await tab.stopsTheClock();
      await demo.close();
      const shares: number[] = [];
      let before = "";
      for (const longest of [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
        const wire = page.locator(`#room[data-state="waiting"] .retry:not([style="${before}"])`);
        before = (await wire.getAttribute("style")) ?? "";
        const pause = Number.parseInt(before.replace(/^\D+/, ""), 10);
        expect(pause).to.be.within(longest / 2, longest);
        shares.push(pause / longest);
        await page.clock.fastForward(pause);
      }
      expect(new Set(shares.map((share) => share.toFixed(3))))
        .to.have.property("size")
        .above(1);
    });

    it("starts with short pauses again after a stable connection", async () => {
      const tab = await demo.openTabWithClock();
      const { room, page } = tab;
      const pause = async () => {
        const style = await page.locator('#room[data-state="waiting"] .retry').getAttribute("style");
        return Number.parseInt(style?.replace(/^\D+/, "") ?? "", 10);
      };
      const comesBack = async () => {
        await demo.restart();
        await tab.goesOnline();
        await room.reaches("joined");
      };
      await room.joins("general");
      await tab.stopsTheClock();
      await demo.close();
      expect(await pause()).to.be.within(250, 500);
      await comesBack();
      await demo.close();
      expect(await pause()).to.be.within(500, 1_000);
      await comesBack();
      await page.clock.fastForward(4_900);
      await demo.close();
      expect(await pause()).to.be.within(1_000, 2_000);
      await comesBack();
      await page.clock.fastForward(5_000);
      await demo.close();
      expect(await pause()).to.be.within(250, 500);
    });

    it("retries at once when the network is back", async () => {
      const tab = await demo.openTabWithClock();
      const { room } = tab;
      await room.joins("general");
      await tab.stopsTheClock(); // from here on, no pause ends
      await demo.close();
      await room.reaches("waiting");
      await demo.restart();
      await tab.goesOnline();
      await room.reaches("joined");
      expect(await room.states()).to.deep.equal([
        "idle",
        "connecting",
        "joined",
        "waiting",
        "connecting",
        "joined",
      ]);
    });

    it("shows the reason of a server that answers but cannot serve, and keeps retrying", async () => {
      const { room, page } = await demo.openTab();
      await page.route("**/ws/talk/*", (route) =>
        route.fulfill({ status: 503, contentType: "text/plain", body: "draining" }),
      );
      await demo.close();
      await room.connect.click();
      await room.status
        .getByText("The server cannot serve right now (draining). Reconnecting by itself.")
        .waitFor();
      await page.unroute("**/ws/talk/*");
      await demo.restart();
      await room.reaches("joined");
    });
  });

  describe("Disconnect", () => {
    it("is final", async () => {
      const tab = await demo.openTabWithClock();
      await tab.room.joins("general");
      await tab.room.disconnect.click();
      await tab.room.reaches("closed");
      await tab.page.clock.fastForward("01:00");
      await tab.goesOnline();
      expect(await tab.roomSockets()).to.have.length(1);
      expect(await tab.room.states()).to.deep.equal(["idle", "connecting", "joined", "closing", "closed"]);
    });

    it("also ends the pause before a retry", async () => {
      const tab = await demo.openTabWithClock();
      await tab.room.joins("general");
      await tab.stopsTheClock();
      await demo.close();
      await tab.room.reaches("waiting");
      await tab.room.disconnect.click();
      await tab.room.reaches("closed");
      await demo.restart();
      await tab.page.clock.fastForward("01:00");
      await tab.goesOnline();
      expect(await tab.roomSockets()).to.have.length(1);
    });
  });

  describe("a close code", () => {
    it("of a temporary end is followed by a retry", async () => {
      const wire = new Wire();
      const tab = await demo.openTabWithClock();
      await wire.lay(tab.page, "/ws/talk/");
      await tab.room.joins("general");
      await tab.stopsTheClock();
      for (const code of [1011, 3008, 4000]) {
        await wire.cut(code, "for now");
        await tab.room.status
          .getByText("The server cannot serve right now (for now). Reconnecting by itself.")
          .waitFor();
        await tab.goesOnline();
        await tab.room.reaches("joined");
      }
      await wire.cut(1012, "restart");
      await tab.room.status.getByText("The server is restarting. Reconnecting by itself.").waitFor();
    });

    it("of a final end is shown with the server's reason, and stops retries", async () => {
      const wire = new Wire();
      const tab = await demo.openTab((page) => wire.lay(page, "/ws/talk/"));
      for (const code of [1000, 1008, 3500, 4999]) {
        await tab.room.joins("general");
        await wire.cut(code, `The show ${code} is over`);
        await tab.room.reaches("closed");
        expect(await tab.room.status.textContent()).to.equal(
          `The server closed the connection: The show ${code} is over`,
        );
        await tab.goesOnline();
      }
      const again = ["connecting", "joined", "closed"];
      expect(await tab.room.states()).to.deep.equal(["idle", ...again, ...again, ...again, ...again]);
    });
  });
});
