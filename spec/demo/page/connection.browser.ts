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
    it("shows the loss, sends later what was written meanwhile, and reconnects by itself", async () => {
      const tab = await demo.openTab();
      const { system } = tab;
      await system.joins();
      await system.lines(1);
      await demo.close();
      await system.timer.getByText(/^(next try in \d+ s|trying now)$/).waitFor();
      const lost = "The connection is lost. Reconnecting by itself.";
      expect(await system.status.textContent()).to.equal(lost);
      await system.says("anyone?");
      expect(await system.status.textContent()).to.equal(`${lost} 1 message waits.`);
      expect(await system.message.inputValue()).to.equal("");
      await demo.restart();
      await tab.goesOnline();
      await system.reaches("joined");
      expect(await system.lines(4)).to.deep.equal([
        "🔧 System: Connection established!",
        "The server has ended the session. Messages sent in between are not shown here.",
        "🔧 System: Connection established!",
        "🔧 System Echo: anyone?",
      ]);
      expect(await system.status.textContent()).to.equal("Connected to the system channel.");
    });

    it("retries at once when the network is back", async () => {
      const tab = await demo.openTabWithClock();
      const { room } = tab;
      await room.joins("general");
      await tab.stopsTheClock(); // from here on, no pause ends
      await demo.close();
      await room.reaches("away");
      await demo.restart();
      await tab.goesOnline();
      await room.reaches("joined");
      const states = ["idle", "connecting", "joined", "away", "connecting", "joined"];
      expect(await room.states()).to.deep.equal(states);
    });

    it("connects as soon as a server answers", async () => {
      const tab = await demo.openTab();
      await demo.close();
      const attempt = tab.page.waitForEvent("websocket");
      await tab.room.connect.press("Enter");
      await attempt;
      expect(await tab.room.status.textContent()).to.equal("Connecting to room general…");
      await demo.restart();
      await tab.room.reaches("joined");
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
      await tab.room.reaches("away");
      await tab.room.disconnect.click();
      // The client tries for 5 s to tell the server.
      await tab.room.reaches("closing");
      await tab.page.clock.fastForward("00:05");
      await tab.room.reaches("closed");
      await demo.restart();
      const sockets = await tab.roomSockets();
      await tab.page.clock.fastForward("01:00");
      await tab.goesOnline();
      expect(await tab.roomSockets("chat")).to.have.length(sockets.length);
    });
  });

  describe("a close code", () => {
    it("of a temporary end is followed by a resume of the session", async () => {
      const wire = new Wire();
      const tab = await demo.openTabWithClock();
      await wire.lay(tab.page, "/ws/talk/");
      await tab.room.joins("general");
      await tab.stopsTheClock();
      for (const code of [1000, 1011, 1012, 3008, 4000]) {
        await wire.cut(code, "for now");
        await tab.room.reaches("away");
        await tab.goesOnline();
        await tab.room.reaches("joined");
      }
      const again = ["away", "joined"];
      const states = ["idle", "connecting", "joined", ...again, ...again, ...again, ...again, ...again];
      expect(await tab.room.states()).to.deep.equal(states);
    });

    it("of a final end is shown with the server's reason, and stops retries", async () => {
      const wire = new Wire();
      const tab = await demo.openTab((page) => wire.lay(page, "/ws/talk/"));
      const ends = { 1008: "The server closed the connection:", 3403: "Refused:" };
      for (const [code, end] of Object.entries(ends)) {
        await tab.room.joins("general");
        await wire.cut(Number(code), `The show ${code} is over`);
        await tab.room.reaches("closed");
        expect(await tab.room.status.textContent()).to.equal(`${end} The show ${code} is over`);
        await tab.goesOnline();
      }
      const again = ["connecting", "joined", "closed"];
      expect(await tab.room.states()).to.deep.equal(["idle", ...again, ...again]);
    });
  });
});
