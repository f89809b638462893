import { expect } from "chai";
import { Premises } from "../../support/page.ts";
import type { RoomPanel } from "../../support/page-parts.ts";

describe("the demo's page: the plug of the room", () => {
  const demo = new Premises();

  const notices = (room: RoomPanel) => room.log.locator('[data-kind="notice"]').allTextContents();
  const caughtUp = (room: RoomPanel, outcome: string) =>
    room.log.getByText(`🔌 Back in the same session. Caught up: ${outcome}.`, { exact: true }).waitFor();

  it("cuts the connection; then each text of both sides arrives once and in order", async () => {
    const tab = await demo.openTabWithClock();
    const { room: ann } = tab;
    const { room: ben } = await demo.openTab();
    await ann.joins("general", "Ann");
    await ben.joins("general", "Ben");
    await tab.stopsTheClock(); // or the plug goes in again by itself
    await ann.says("before");
    await ben.says("hello");
    await ann.texts(2);
    const seen = await notices(ben);

    await ann.plug.press("Enter");
    await ann.reaches("away");
    await ann.timer.getByText(/^(next try in \d+ s|trying now)$/).waitFor();
    expect(await ann.plug.textContent()).to.equal("Plug in");
    const counted = Array.from({ length: 12 }, (_, n) => `${n + 1}`);
    for (const text of counted) await ben.says(text);
    await ben.texts(14);
    await ann.says("from away");
    expect(await ann.texts(2)).to.deep.equal(["Ann: before", "Ben: hello"]);
    await ann.status.getByText("1 message waits.").waitFor();

    await ann.plug.press("Enter");
    await ann.reaches("joined");
    await caughtUp(ann, "12 messages, nothing lost");
    await ann.says("after");
    const expected = [
      "Ann: before",
      "Ben: hello",
      ...counted.map((text) => `Ben: ${text}`),
      "Ann: from away",
      "Ann: after",
    ];
    for (const room of [ann, ben]) expect(await room.texts(16)).to.deep.equal(expected);
    expect(await ann.states()).to.deep.equal(["idle", "connecting", "joined", "away", "joined"]);
    // The other members have seen no leave and no join.
    expect(await notices(ben)).to.deep.equal(seen);
    expect(await ann.members(2)).to.have.members(["Ann", "Ben"]);
  });

  it("goes in again by itself after 10 s", async () => {
    const tab = await demo.openTabWithClock();
    await tab.room.joins("general");
    await tab.stopsTheClock();
    await tab.room.plug.press("Enter");
    await tab.room.reaches("away");
    await tab.page.clock.runFor(9_900);
    expect(await tab.room.plug.textContent()).to.equal("Plug in");
    expect(await tab.roomSockets()).to.have.length(1);
    await tab.page.clock.runFor(100);
    await tab.room.reaches("joined");
    await caughtUp(tab.room, "0 messages, nothing lost");
  });

  it("leads to a new session if the server has lost the old one, and says so", async () => {
    const tab = await demo.openTabWithClock();
    const { room } = tab;
    await room.joins("general", "Ann");
    await tab.stopsTheClock();
    await room.plug.press("Enter");
    await room.reaches("away");
    await demo.close();
    await demo.restart();
    await room.plug.press("Enter");
    await room.reaches("joined");
    await room.log.getByText("🔌 The server has ended the session. You come in again.").waitFor();
    expect(await room.log.getByText("Back in the same session").count()).to.equal(0);
    expect(await room.members(1)).to.deep.equal(["Ann"]);
  });

  it("is put in by Disconnect, and cannot be pulled without a connection", async () => {
    const tab = await demo.openTabWithClock();
    const { room } = tab;
    await room.plug.press("Enter");
    expect(await room.plug.textContent()).to.equal("Pull the plug");
    await room.joins("general");
    await tab.stopsTheClock();
    await room.plug.press("Enter");
    await room.reaches("away");
    await tab.page.clock.resume(); // the client waits a moment before it ends its session
    await room.leaves();
    expect(await room.plug.textContent()).to.equal("Pull the plug");
    await room.joins();
  });
});
