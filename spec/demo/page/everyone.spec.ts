import { expect } from "chai";
import { Premises } from "../../support/page.ts";

describe("the demo's page: for everyone", () => {
  const demo = new Premises();

  describe("for everyone", () => {
    it("works by keyboard alone", async () => {
      const { room, page } = await demo.openTab();
      const focused = () => page.evaluate("document.activeElement.id");
      const stops: unknown[] = [];
      for (let n = 0; n < 11; n++) {
        await page.keyboard.press("Tab");
        stops.push(await focused());
      }
      expect(stops).to.deep.equal([
        ...["connect", "disconnect", "log", "message", "send"].map((part) => `system-${part}`),
        ...["name", "connect", "disconnect", "log", "message", "send"].map((part) => `room-${part}`),
      ]);
      for (let n = 0; n < 5; n++) await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("ControlOrMeta+A");
      await page.keyboard.type("keys");
      await page.keyboard.press("Enter");
      await room.reaches("joined");
      expect(await focused()).to.equal("room-message");
      await page.keyboard.type("no mouse");
      await page.keyboard.press("Enter");
      expect(await room.lines(2)).to.deep.equal(["🚪 Someone joined room 'keys'", "💬 no mouse"]);
      expect(await focused()).to.equal("room-message");
      await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("Enter");
      await room.reaches("closed");
      expect(await focused()).to.equal("room-disconnect");
    });

    for (const colorScheme of ["light", "dark"] as const) {
      it(`fits a screen 360 pixels wide, ${colorScheme}`, async () => {
        const { room, system, page } = await demo.openTab(async (page) => {
          await page.setViewportSize({ width: 360, height: 740 });
          await page.emulateMedia({ colorScheme });
        });
        await system.joins();
        await system.says("W".repeat(200));
        await room.joins("x".repeat(90));
        await room.says(`https://example.com/${"long/".repeat(60)}`);
        await room.lines(2);
        await system.lines(2);
        expect(await page.evaluate("document.documentElement.scrollWidth")).to.equal(360);
        for (const { log } of [room, system])
          expect(await log.evaluate((element) => element.scrollWidth - element.clientWidth)).to.equal(0);
      });
    }

    it("runs without an error, and talks to its own server only", async () => {
      const tab = await demo.openTab();
      await tab.system.joins();
      await tab.system.says("hello");
      await tab.system.lines(2);
      await tab.room.joins("general");
      await tab.room.says("hello");
      await tab.room.lines(2);
      await tab.room.disconnect.click();
      await tab.room.reaches("closed");
      expect(tab.errors).to.deep.equal([]);
      const { host } = new URL(demo.url);
      expect(tab.sockets).to.deep.equal([`ws://${host}/ws/system`, `ws://${host}/ws/room/general`]);
      expect(new Set(tab.requests.map((url) => new URL(url).host))).to.deep.equal(new Set([host]));
    });
  });
});
