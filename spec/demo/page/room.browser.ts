import { expect } from "chai";
import { Premises, Wire } from "../../support/page.ts";

describe("the demo's page: room chat", () => {
  const demo = new Premises();

  describe("room chat", () => {
    it("sends texts between two tabs in one room", async () => {
      const { room: ann } = await demo.openTab();
      const { room: ben } = await demo.openTab();
      await ann.joins("general");
      await ann.lines(1);
      await ben.joins("general");
      await ben.lines(1);
      await ann.says("Five minutes, please.");
      await ben.lines(2);
      await ben.says("Thank you, five!");
      const talk = ["🚪 Someone joined room 'general'", "💬 Five minutes, please.", "💬 Thank you, five!"];
      expect(await ben.lines(3)).to.deep.equal(talk);
      expect(await ann.lines(4)).to.deep.equal(["🚪 Someone joined room 'general'", ...talk]);
    });

    it("distinguishes the server's notices from members' texts", async () => {
      const { room } = await demo.openTab();
      await room.joins("general");
      await room.says("🚪 Someone joined room 'general'");
      await room.lines(2);
      expect(await room.log.locator('[data-kind="notice"]').allTextContents()).to.deep.equal([
        "🚪 Someone joined room 'general'",
      ]);
      const styles = await room.log
        .locator(".line")
        .evaluateAll((lines) => lines.map((line) => line.computedStyleMap().get("font-style")?.toString()));
      expect(styles).to.deep.equal(["italic", "normal"]);
    });

    it("tells the remaining members that someone left", async () => {
      const { room: ann } = await demo.openTab();
      const { room: ben, page } = await demo.openTab();
      await ann.joins("general");
      await ben.joins("general");
      await ann.lines(2);
      await ben.leaves();
      expect((await ann.lines(3)).at(-1)).to.equal("👋 Someone left room 'general'");
      await ben.joins();
      await ann.lines(4);
      await page.close();
      expect((await ann.lines(5)).at(-1)).to.equal("👋 Someone left room 'general'");
    });

    it("isolates rooms, also if they differ in case only", async () => {
      const { room: ann } = await demo.openTab();
      const { room: ben } = await demo.openTab();
      await ann.joins("stage", "Ann");
      await ben.joins("Stage", "Ben");
      expect(await ann.members(1)).to.deep.equal(["Ann"]);
      expect(await ben.members(1)).to.deep.equal(["Ben"]);
      await ann.says("for stage");
      await ann.lines(2);
      await ben.says("for Stage");
      expect(await ben.lines(2)).to.deep.equal(["🚪 Someone joined room 'Stage'", "💬 for Stage"]);
      await ann.says("the end");
      expect(await ann.lines(3)).to.deep.equal([
        "🚪 Someone joined room 'stage'",
        "💬 for stage",
        "💬 the end",
      ]);
    });

    it("shows the server's reason for refusing a name, and does not retry", async () => {
      const tab = await demo.openTabWithClock();
      const names = ["green room!", "a/b", "x".repeat(91)];
      for (const name of names) {
        const answer = await fetch(new URL(`/ws/room/${encodeURIComponent(name)}`, demo.url));
        expect(answer.status).to.equal(400);
        await tab.room.roomName.fill(name);
        await tab.room.connect.click();
        await tab.room.status
          .getByText(`Refused: ${(await answer.text()).trim()}`, { exact: true })
          .waitFor();
        await tab.room.reaches("closed");
        await tab.page.clock.fastForward("01:00");
        await tab.goesOnline();
      }
      expect(await tab.roomSockets()).to.have.length(names.length);
      expect(tab.sockets.filter((url) => url.includes("/ws/presence/"))).to.deep.equal([]);
    });

    it("requires a room name", async () => {
      const tab = await demo.openTab();
      const field = tab.room.region.getByLabel("Room name");
      await field.fill("");
      await tab.room.connect.click();
      expect(await field.evaluate((element) => element.matches(":focus:invalid"))).to.equal(true);
      expect(await tab.room.states()).to.deep.equal(["idle"]);
      expect(await tab.roomSockets()).to.deep.equal([]);
    });
  });

  describe("the member list", () => {
    it("is shown while connected, and follows joins and leaves", async () => {
      const { room: ann } = await demo.openTab();
      const { room: ben, page } = await demo.openTab();
      const { room: guest } = await demo.openTab();
      await ann.joins("general", "Ann");
      expect(await ann.members(1)).to.deep.equal(["Ann"]);
      await ben.joins("general", " Ben ");
      expect(await ann.members(2)).to.deep.equal(["Ann", "Ben"]);
      expect(await ben.members(2)).to.have.members(["Ann", "Ben"]);
      await guest.joins("general");
      expect((await ann.members(3)).at(-1)).to.match(/^Guest \S+$/);
      await page.close();
      expect(await ann.members(2))
        .to.include("Ann")
        .and.not.include("Ben");
      await guest.leaves();
      expect(await guest.present.getByRole("listitem").count()).to.equal(0);
      expect(await ann.members(1)).to.deep.equal(["Ann"]);
    });

    it("is marked as stale while the server is away, and updated when it is back", async () => {
      const { room } = await demo.openTab();
      await room.joins("general", "Ann");
      await room.members(1);
      await demo.close();
      await room.region.locator(".present[data-doubtful]").waitFor();
      await demo.restart();
      await room.reaches("joined");
      expect(await room.members(1)).to.deep.equal(["Ann"]);
    });

    it("is loaded again when only its own connection is cut", async () => {
      const wire = new Wire();
      const tab = await demo.openTab((page) => wire.lay(page, "/ws/presence/"));
      const { room: ben } = await demo.openTab();
      await tab.room.joins("general", "Ann");
      await tab.room.members(1);
      await wire.cut(1011, "for now");
      await ben.joins("general", "Ben");
      await tab.goesOnline();
      expect(await tab.room.members(2)).to.have.members(["Ann", "Ben"]);
      expect(await tab.room.states()).to.deep.equal(["idle", "connecting", "joined"]);
    });

    it("shows names as text, and long ones truncated with the full name as a tooltip", async () => {
      const { room, page } = await demo.openTab();
      const name = "<img src=x onerror=window.harmed=1>WWWWWW"; // 40 letters are sent
      await room.joins("general", name);
      const [shown] = await room.members(1);
      expect(shown).to.equal(name.slice(0, 40));
      const item = room.present.getByRole("listitem");
      expect(await item.getAttribute("title")).to.equal(shown);
      expect(await item.evaluate((element) => element.scrollWidth > element.clientWidth)).to.equal(true);
      expect(await item.locator("*").count()).to.equal(0);
      expect(await page.evaluate("window.harmed")).to.equal(undefined);
    });
  });
});
