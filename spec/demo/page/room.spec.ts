import { expect } from "chai";
import { Premises } from "../../support/page.ts";

describe("the demo's page: room chat", () => {
  const demo = new Premises();

  describe("room chat", () => {
    it("lets two tabs in one room talk", async () => {
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

    it("sets the server's notices apart from what people say", async () => {
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

    it("tells those who stay that someone left", async () => {
      const { room: ann } = await demo.openTab();
      const { room: ben, page } = await demo.openTab();
      await ann.joins("general");
      await ben.joins("general");
      await ann.lines(2);
      await ben.disconnect.click();
      expect((await ann.lines(3)).at(-1)).to.equal("👋 Someone left room 'general'");
      await ben.joins();
      await ann.lines(4);
      await page.close();
      expect((await ann.lines(5)).at(-1)).to.equal("👋 Someone left room 'general'");
    });

    it("keeps rooms apart, also those that differ in case only", async () => {
      const { room: ann } = await demo.openTab();
      const { room: ben } = await demo.openTab();
      await ann.joins("stage");
      await ben.joins("Stage");
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

    for (const name of ["green room!", "a/b", "x".repeat(91)]) {
      it(`shows the server's reason against the room name ${JSON.stringify(name.slice(0, 12))}`, async () => {
        const answer = await fetch(new URL(`/ws/room/${encodeURIComponent(name)}`, demo.url));
        expect(answer.status).to.equal(400);
        const tab = await demo.openTabWithClock();
        await tab.room.region.getByLabel("Room name").fill(name);
        await tab.room.connect.click();
        await tab.room.reaches("closed");
        expect(await tab.room.status.textContent()).to.equal(`Refused: ${(await answer.text()).trim()}`);
        await tab.page.clock.fastForward("01:00");
        await tab.goesOnline();
        expect(await tab.roomSockets()).to.have.length(1);
      });
    }

    it("asks for a room name when there is none", async () => {
      const tab = await demo.openTab();
      const field = tab.room.region.getByLabel("Room name");
      await field.fill("");
      await tab.room.connect.click();
      expect(await field.evaluate((element) => element.matches(":focus:invalid"))).to.equal(true);
      expect(await tab.room.states()).to.deep.equal(["idle"]);
      expect(await tab.roomSockets()).to.deep.equal([]);
    });
  });
});
