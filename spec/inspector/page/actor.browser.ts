import { expect } from "chai";
import { InspectedPremises } from "../../support/inspector-page.ts";
import type { InspectorTab } from "../../support/inspector-tab.ts";

/** Opens the actor of the only connection. */
async function open(tab: InspectorTab): Promise<void> {
  await tab.lists("1–1 of 1");
  await tab.rows.getByRole("link").click();
}

describe("Inspector page, view of an actor", () => {
  describe("with payloads", () => {
    const premises = new InspectedPremises({ payloads: true });

    it("shows the entries between client, actor and layer, and adds new ones live", async () => {
      const tab = await premises.openTab();
      const client = await premises.connect("/chorus/g1");
      await open(tab);
      expect(await tab.history(3)).to.deep.equal([
        "from client to actor: began /chorus/g1",
        "accept connecting → joined.online",
        "from actor to layer: groupAdd g1",
      ]);
      client.send("hello");
      expect((await tab.history(7)).slice(3)).to.deep.equal([
        "from client to actor: frame text 5 B",
        "from actor to layer: groupSend line g1",
        "from layer to actor: message line g1",
        "from actor to client: sent text 5 B",
      ]);
      const facts = await tab.page.locator(".facts:visible").innerText();
      expect(facts)
        .to.match(/State\s+joined\.online/)
        .and.match(/Groups\s+g1/)
        .and.match(/Tags\s+of-g1/);
    });

    it("shows payloads only while the box is checked, and not of the next actor", async () => {
      const tab = await premises.openTab();
      const client = await premises.connect("/chorus/g1");
      await open(tab);
      client.send("unasked");
      await tab.history(7);
      const toggle = tab.page.getByRole("checkbox", { name: "Show payloads" });
      await tab.request("payloads", () => toggle.check());
      client.send("asked");
      await tab.history(11);
      const payloads = tab.page.locator(".payload");
      expect(await payloads.allTextContents()).to.deep.equal([
        "asked",
        "{ type: 'line', text: 'asked' }",
        "{ type: 'line', text: 'asked' }",
        "asked",
      ]);
      expect(await payloads.first().isVisible()).to.equal(true);
      await tab.request("payloads", () => toggle.uncheck());
      expect(await payloads.first().isVisible()).to.equal(false);
      client.send("no more");
      await tab.history(15);
      expect(await payloads.count()).to.equal(4);
      await toggle.check();
      await tab.page.goBack();
      await tab.lists("1–1 of 1");
      await tab.page.goForward();
      await tab.history(15);
      expect(await toggle.isChecked()).to.equal(false);
      client.send("unasked again");
      await tab.history(19);
      expect(await payloads.count()).to.equal(0);
    });
  });

  describe("without payloads", () => {
    const premises = new InspectedPremises();

    it("stays open after a reload and after the actor has ended, and the back button returns to its row", async () => {
      const tab = await premises.openTab();
      const client = await premises.connect("/chorus/g1");
      await open(tab);
      await tab.history(3);
      expect(await tab.page.evaluate("document.activeElement.id")).to.equal("actor-title");
      await tab.page.goBack();
      await tab.lists("1–1 of 1");
      await tab.waitsFor("document.activeElement.className", "channel");
      await tab.page.goForward();
      await tab.history(3);
      client.send("fail on purpose");
      await client.closed;
      await tab.page.getByText("This actor has ended.").waitFor();
      const entries = await tab.history(6);
      expect(entries).to.include("failed in receive on purpose").and.include("fail joined.online → closing");
      await tab.page.reload();
      await tab.page.getByText("This actor has ended.").waitFor();
      // A pause of the machine may count as another failure: a handler that blocked the event loop.
      await tab.page.getByRole("link", { name: /^Failures [1-9]/ }).click();
      await tab.page.getByText("on purpose").waitFor();
    });

    it("explains how to allow payloads, and follows the newest entry until the user scrolls up", async () => {
      const tab = await premises.openTab();
      const client = await premises.connect("/chorus/g1");
      await open(tab);
      await tab.history(3);
      const sequence = tab.page.locator(".sequence");
      await tab.page.getByText("Payloads are not recorded. To record them, pass payloads: true").waitFor();
      expect(await tab.page.getByRole("checkbox").count()).to.equal(0);
      const distance =
        "(s => Math.round(s.scrollHeight - s.scrollTop - s.clientHeight))(document.querySelector('.sequence'))";
      for (let n = 0; n < 10; n++) client.send(`${n}`);
      await tab.history(43);
      expect(await tab.page.evaluate(distance)).to.equal(0);
      await sequence.press("Home");
      await tab.waitsFor("document.querySelector('.sequence').scrollTop", 0);
      client.send("more");
      await tab.history(47);
      expect(await sequence.evaluate((element) => element.scrollTop)).to.equal(0);
      await tab.page.getByRole("button", { name: "Newer below" }).click();
      await tab.waitsFor(distance, 0);
    });
  });
});
