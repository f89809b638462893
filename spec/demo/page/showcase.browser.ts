import { expect } from "chai";
import { Premises, Wire } from "../../support/page.ts";

const joined = "🔒 Reliable chat connection established!";
const left = "🚪 Left reliable chat!";

describe("the demo's page: showcase", () => {
  const demo = new Premises();

  it("connects all four panels at once, and delivers each message to another tab", async () => {
    const other = await demo.openTab();
    const tab = await demo.openTab();
    const { chat, reliable, notifications, analytics } = tab;
    await tab.page.getByRole("button", { name: "Connect all four" }).press("Enter");
    const places = ["the chat", "the reliable chat", "the notifications", "the analytics"];
    for (const [index, panel] of [chat, reliable, notifications, analytics].entries()) {
      await panel.reaches("joined");
      expect(await panel.status.textContent()).to.equal(`Connected to ${places[index]}.`);
    }
    const attack = "<img src=x onerror=window.harmed=1>";
    for (const panel of [chat, reliable, notifications]) await panel.says(attack);
    expect(await chat.lines(2)).to.deep.equal(["📢 Someone joined the chat", `💬 ${attack}`]);
    expect(await reliable.lines(2)).to.deep.equal([joined, `📨 ${attack}`]);
    expect(await notifications.lines(2)).to.deep.equal([
      "🔔 Connected to notifications!",
      `🔔 Notification: ${attack}`,
    ]);
    for (const panel of [chat, reliable, notifications])
      expect(
        await panel.log.locator(".line").evaluateAll((all) => all.map((line) => line.dataset.kind)),
      ).to.deep.equal(["notice", "message"]);
    await analytics.send.click();
    await analytics.send.click();
    expect(await analytics.lines(2)).to.deep.equal([
      "📊 Analytics: button_pressed 1",
      "📊 Analytics: button_pressed 2",
    ]);
    await other.page.getByRole("button", { name: "Connect all four" }).press("Enter");
    for (const name of ["chat", "reliable", "notifications", "analytics"] as const) {
      await other[name].reaches("joined");
      if (name === "analytics") await other.analytics.send.press("Enter");
      else await other[name].says("from another tab");
      await tab[name].log
        .getByText(name === "analytics" ? "button_pressed 1" : "from another tab")
        .last()
        .waitFor();
    }
    expect(await analytics.lines(3)).to.have.length(3);
    expect(await tab.page.locator("#showcase .line *").count()).to.equal(0);
    expect(await tab.page.evaluate("window.harmed")).to.equal(undefined);
    expect(tab.errors).to.deep.equal([]);
  });

  it("shows that an event was not sent without a connection", async () => {
    const { analytics } = await demo.openTab();
    await analytics.send.press("Enter");
    expect(await analytics.status.textContent()).to.equal("Not connected yet. Nothing was sent.");
    await analytics.joins();
    await analytics.send.click();
    expect(await analytics.lines(1)).to.deep.equal(["📊 Analytics: button_pressed 1"]);
  });

  describe("the reliable chat", () => {
    it("shows texts missed during a cut connection, each once, and no member leaves", async () => {
      const wire = new Wire();
      const { reliable: ann } = await demo.openTab((page) => wire.lay(page, "/ws/reliable"));
      const { reliable: ben } = await demo.openTab();
      await ann.joins();
      await ben.joins();
      await ann.lines(2);
      await wire.cut(1011, "for now");
      await ben.says("meanwhile");
      await ben.log.getByText("meanwhile").waitFor();
      expect(await ann.lines(3)).to.deep.equal([joined, joined, "📨 meanwhile"]);
    });

    it("shows the earlier and the missed texts after a reload", async () => {
      const { reliable: ann, page } = await demo.openTab();
      const { reliable: ben } = await demo.openTab();
      await ann.joins();
      await ann.says("before");
      await ann.lines(2);
      await page.reload();
      expect(await ann.lines(2)).to.deep.equal([joined, "📨 before"]);
      await ben.joins();
      await ben.says("meanwhile");
      await ben.lines(5);
      await ann.joins();
      expect(await ann.lines(6)).to.deep.equal([joined, "📨 before", left, joined, "📨 meanwhile", joined]);
    });

    it("shows that messages are missing if the server has lost them, and continues counting", async () => {
      const { reliable: ann } = await demo.openTab();
      await ann.joins();
      await ann.says("before");
      await ann.lines(2);
      await demo.close();
      await ann.reaches("away");
      await demo.restart();
      await ann.reaches("joined");
      expect((await ann.lines(4)).slice(2)).to.deep.equal([
        "⚠️ Messages are missing here. On from 0.",
        joined,
      ]);
      await ann.leaves();
      await ann.joins();
      expect((await ann.lines(6)).slice(4)).to.deep.equal([left, joined]);
    });
  });
});
