import { expect } from "chai";
import { Premises } from "../../support/page.ts";
import type { Tab } from "../../support/page-parts.ts";

const paths = ({ sockets }: Tab) => sockets.map((url) => new URL(url).pathname);
const scrollTo = ({ page }: Tab, y: string) => page.evaluate(`scrollTo(0, ${y})`);

describe("the demo's page: panels in view", () => {
  const demo = new Premises();

  it("connect, and the others do not, also after a jump over them", async () => {
    const tab = await demo.openPhone();
    await tab.system.reaches("joined");
    expect(paths(tab)).to.deep.equal(["/ws/system"]);
    await tab.page.getByRole("link", { name: "Auction" }).click();
    await tab.auction.reaches("joined");
    expect(paths(tab).slice(0, 2)).to.deep.equal(["/ws/system", "/ws/lot/17"]);
    for (const panel of [tab.room, tab.jobs, tab.analytics])
      expect(await panel.states()).to.deep.equal(["idle"]);
  });

  it("keep their connection when they leave the view", async () => {
    const tab = await demo.openPhone();
    await tab.system.reaches("joined");
    await scrollTo(tab, "document.body.scrollHeight");
    await tab.analytics.reaches("joined");
    await scrollTo(tab, "0");
    await tab.system.says("still here?");
    await tab.system.log.getByText("🔧 System Echo: still here?").waitFor();
    expect(paths(tab).filter((path) => path === "/ws/system")).to.have.length(1);
    expect(await tab.system.states()).to.deep.equal(["idle", "connecting", "joined"]);
  });

  it("connect when a key brings the focus to them, and leave the focus there", async () => {
    const tab = await demo.openPhone();
    await tab.system.send.focus();
    await tab.page.keyboard.press("Tab");
    await tab.room.reaches("joined");
    expect(await tab.page.evaluate("document.activeElement.id")).to.equal("room-name");
  });

  it("stay as the user has left them", async () => {
    const tab = await demo.openPhone();
    await tab.system.reaches("joined");
    await tab.system.leaves();
    await scrollTo(tab, "document.body.scrollHeight");
    await tab.analytics.reaches("joined");
    await scrollTo(tab, "0");
    await tab.page.getByRole("link", { name: "Room" }).click();
    await tab.room.reaches("joined");
    expect(await tab.system.states()).to.deep.equal(["idle", "connecting", "joined", "closing", "closed"]);
  });

  it("leave the connecting to the user if the address says so", async () => {
    const tab = await demo.openTab();
    expect(await tab.roomSockets("chat")).to.deep.equal([]);
    expect(paths(tab)).to.deep.equal(["/ws/chat"]);
  });
});
