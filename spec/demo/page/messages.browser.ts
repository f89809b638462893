import { expect } from "chai";
import { Premises } from "../../support/page.ts";
import { until } from "../../support/page-parts.ts";
import { PlayedServer } from "../../support/played-server.ts";

describe("the demo's page: messages", () => {
  const demo = new Premises();

  describe("system messages", () => {
    it("show the greeting and the echo", async () => {
      const { system } = await demo.openTab();
      await system.joins();
      await system.message.fill("hello");
      await system.region.getByRole("button", { name: "Send" }).click();
      expect(await system.lines(2)).to.deep.equal([
        "🔧 System: Connection established!",
        "🔧 System Echo: hello",
      ]);
    });
  });

  it("a message whose outcome is unknown stays in the field, with a notice", async () => {
    const server = new PlayedServer();
    const tab = await demo.openTab((page) => server.play(page, "/ws/system"));
    const { system } = tab;
    await system.joins();
    await system.says("one");
    await until(async () => server.texts.length === 1);
    await server.cut();
    await system.status
      .getByText(
        "Connected to the system channel. Your message may have been sent, or not; it stays in the field.",
      )
      .waitFor();
    expect(await system.message.inputValue()).to.equal("one");
    await system.message.press("Enter");
    await until(async () => server.texts.length === 2);
    expect(server.texts).to.deep.equal(["one", "one"]);
    expect(await system.status.textContent()).to.equal("Connected to the system channel.");
  });

  describe("the messages", () => {
    it("are text, never markup", async () => {
      const { room, page } = await demo.openTab();
      await room.joins("general", "Ann");
      const attacks = [
        '<img src="/missing" onerror="window.harmed = true">',
        "<script>window.harmed = true</script>",
        "<b>bold</b> &amp; <a href='javascript:alert(1)'>link</a>",
      ];
      for (const attack of attacks) await room.says(attack);
      expect(await room.texts(3)).to.deep.equal(attacks.map((attack) => `Ann: ${attack}`));
      expect(await room.log.locator(".line :not(.author)").count()).to.equal(0);
      expect(await page.evaluate("window.harmed")).to.equal(undefined);
    });

    it("are limited to the last 500, with the newest in view", async () => {
      const server = new PlayedServer();
      const { system, page } = await demo.openTab((page) =>
        server.play(page, "/ws/system", () => {
          for (let n = 1; n <= 620; n++) server.say(`line ${n}`);
        }),
      );
      await system.joins();
      await system.log.getByText("line 620", { exact: true }).waitFor();
      expect(await system.lines(500))
        .to.have.length(500)
        .and.include("line 121")
        .and.not.include("line 120");
      await until(() => system.isAtEnd());
      expect(await page.getByRole("button", { name: "Newer below" }).count()).to.equal(0);
    });

    it("keep the scroll position of a reader of older ones", async () => {
      const server = new PlayedServer();
      const { system, page } = await demo.openTab((page) =>
        server.play(page, "/ws/system", () => {
          for (let n = 1; n <= 60; n++) server.say(`line ${n}`);
        }),
      );
      await system.joins();
      await system.lines(60);
      await system.log.focus();
      await page.keyboard.press("Home");
      await until(async () => (await system.log.evaluate((log) => log.scrollTop)) === 0);
      server.say("line 61");
      const jump = page.getByRole("button", { name: "Newer below" });
      await jump.waitFor();
      expect(await system.log.evaluate((log) => log.scrollTop)).to.equal(0);
      await jump.click();
      await jump.waitFor({ state: "hidden" });
      expect(await system.isAtEnd()).to.equal(true);
      await system.log.focus();
      await page.keyboard.press("Home");
      await until(async () => (await system.log.evaluate((log) => log.scrollTop)) === 0);
      await system.says("who speaks wants to see the answer");
      await until(() => system.isAtEnd());
    });
  });
});
