import { expect } from "chai";
import { Premises, Wire } from "../../support/page.ts";
import { type RoomPanel, until } from "../../support/page-parts.ts";
import { PlayedServer } from "../../support/played-server.ts";

describe("the demo's page: room chat", () => {
  const demo = new Premises();

  const notices = (room: RoomPanel) => room.log.locator('[data-kind="notice"]').allTextContents();

  describe("room chat", () => {
    it("sends texts between two tabs in one room, with the names of their authors", async () => {
      const { room: ann } = await demo.openTab();
      const { room: ben } = await demo.openTab();
      await ann.joins("general", "Ann");
      await ben.joins("general", "Ben");
      await ann.says("Five minutes, please.");
      await ben.texts(1);
      await ben.says("Thank you, five!");
      for (const member of [ann, ben])
        expect(await member.texts(2)).to.deep.equal(["Ann: Five minutes, please.", "Ben: Thank you, five!"]);
    });

    it("shows the last texts to a new member, in their order", async () => {
      const { room: ann } = await demo.openTab();
      const { room: ben } = await demo.openTab();
      await ann.joins("general", "Ann");
      for (const text of ["one", "two", "three"]) await ann.says(text);
      await ann.texts(3);
      await ben.joins("general");
      expect((await ben.lines(4)).slice(0, 3)).to.deep.equal(["Ann: one", "Ann: two", "Ann: three"]);
    });

    it("distinguishes the server's notices from members' texts", async () => {
      const { room } = await demo.openTab();
      await room.joins("general");
      const [notice] = await room.lines(1);
      expect(notice).to.match(/^🚪 You came in as Guest \d{4}\.$/);
      await room.says("🚪 Ann came in.");
      await room.texts(1);
      expect(await notices(room)).to.deep.equal([notice]);
      const styles = await room.log
        .locator(".line")
        .evaluateAll((lines) => lines.map((line) => line.computedStyleMap().get("font-style")?.toString()));
      expect(styles).to.deep.equal(["italic", "normal"]);
    });

    it("tells the other members that one came, took a name and left", async () => {
      const { room: ann } = await demo.openTab();
      const { room: ben, page } = await demo.openTab();
      await ann.joins("general", "Ann");
      await ben.joins("general", "Ben");
      await ann.lines(4);
      await ben.leaves();
      await ann.lines(5);
      await ben.joins();
      await ann.lines(7);
      await page.close();
      await ann.lines(8);
      const seen = (await notices(ann)).map((notice) => notice.replace(/Guest \d+/, "Guest"));
      const visit = ["🚪 Guest came in.", "✏️ Guest is now Ben.", "👋 Ben left."];
      expect(seen).to.deep.equal(["🚪 You came in as Guest.", "✏️ You are now Ann.", ...visit, ...visit]);
    });

    it("shows the texts while it was away, and no text twice after leaving and coming back", async () => {
      const wire = new Wire();
      const tab = await demo.openTabWithClock();
      await wire.lay(tab.page, "/ws/talk/");
      const { room: ben } = await demo.openTab();
      await tab.room.joins("general", "Ann");
      await ben.joins("general", "Ben");
      await tab.room.says("before");
      await ben.texts(1);
      await tab.stopsTheClock(); // so that the page does not reconnect too early
      await wire.cut(1011, "for now");
      await tab.room.reaches("away");
      await ben.says("between");
      await ben.texts(2);
      await tab.goesOnline();
      await tab.room.reaches("joined");
      await tab.room.texts(2);
      await tab.room.present.getByText("Ann").waitFor();
      await tab.room.says("after");
      expect(await tab.room.texts(3)).to.deep.equal(["Ann: before", "Ben: between", "Ann: after"]);
      await tab.room.leaves();
      await tab.room.joins();
      await tab.room.says("the end");
      expect((await tab.room.texts(4)).at(-1)).to.equal("Ann: the end");
    });

    it("marks that texts may be missing in a new session, if there were many in between", async () => {
      const server = new PlayedServer();
      const tab = await demo.openTabWithClock();
      let sessions = 0;
      await server.play(tab.page, "/ws/talk/general", () => {
        const texts = Array.from({ length: sessions * 50 }, (_, n) => ({
          key: "b",
          name: "Ben",
          text: `${n}`,
          at: n,
        }));
        server.say(JSON.stringify({ type: "welcome", key: "a", name: "Ann", members: [], last: texts }));
        sessions += 1;
      });
      await tab.room.joins();
      await server.cut();
      await tab.room.texts(50);
      expect(await tab.room.log.locator('[data-kind="gap"]').allTextContents()).to.deep.equal([
        "Connected again. Earlier messages may be missing here.",
      ]);
      expect(await notices(tab.room)).to.include("🔌 The server has ended the session. You come in again.");
    });

    it("isolates rooms, also if they differ in case only", async () => {
      const { room: ann } = await demo.openTab();
      const { room: ben } = await demo.openTab();
      await ann.joins("stage", "Ann");
      await ben.joins("Stage", "Ben");
      expect(await ann.members(1)).to.deep.equal(["Ann"]);
      expect(await ben.members(1)).to.deep.equal(["Ben"]);
      await ann.says("for stage");
      await ann.texts(1);
      await ben.says("for Stage");
      expect(await ben.texts(1)).to.deep.equal(["Ben: for Stage"]);
      await ann.says("the end");
      expect(await ann.texts(2)).to.deep.equal(["Ann: for stage", "Ann: the end"]);
    });

    it("shows the server's reason for refusing a room, and does not retry", async () => {
      const tab = await demo.openTabWithClock();
      const names = ["green room!", "a/b", "x".repeat(91)];
      for (const name of names) {
        const answer = await fetch(new URL(`/ws/talk/${encodeURIComponent(name)}`, demo.url));
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

  describe("a refused frame", () => {
    it("shows its reason at the field, until the text changes, and gives the text back", async () => {
      const { room } = await demo.openTab();
      await room.joins("general");
      const text = "x".repeat(2_001);
      await room.says(text);
      const alert = room.region.getByRole("alert");
      await alert.getByText(/^The payload of "say" is not valid: text: /).waitFor();
      expect(await room.message.inputValue()).to.equal(text);
      expect(await room.message.evaluate((field) => field.matches("[aria-invalid=true]:focus"))).to.equal(
        true,
      );
      expect(await room.message.getAttribute("aria-describedby")).to.equal(await alert.getAttribute("id"));
      await room.message.fill("short");
      expect(await alert.count()).to.equal(0);
      expect(await room.message.getAttribute("aria-invalid")).to.equal(null);
      await room.message.press("Enter");
      expect((await room.texts(1)).at(-1)).to.match(/: short$/);
    });

    it("shows why a name is refused at the field of the name", async () => {
      const { room } = await demo.openTab();
      await room.joins("general");
      await room.person.evaluate((field) => field.removeAttribute("maxlength"));
      await room.person.fill("x".repeat(41));
      await room.person.press("Enter");
      const alert = room.region.getByRole("alert");
      await alert.getByText(/^The payload of "rename" is not valid: name: /).waitFor();
      expect(await room.person.getAttribute("aria-describedby")).to.equal(await alert.getAttribute("id"));
      await room.person.fill("Ann");
      await room.rename.click();
      await room.present.getByText("Ann").waitFor();
      expect(await alert.count()).to.equal(0);
    });
  });

  describe("a name", () => {
    it("changes while connected, by a button and by Enter", async () => {
      const { room: ann } = await demo.openTab();
      const { room: ben } = await demo.openTab();
      await ben.joins("general", "Ben");
      await ann.joins("general");
      const [guest] = await ann.present.getByText("Guest").allTextContents();
      expect(await ann.person.getAttribute("placeholder")).to.equal(guest);
      await ann.person.fill("Ann");
      await ann.rename.click();
      await ben.log.getByText(`✏️ ${guest} is now Ann.`).waitFor();
      await ann.person.fill("Anna");
      await ann.person.press("Enter");
      await ben.log.getByText("✏️ Ann is now Anna.").waitFor();
      expect(await ben.members(2)).to.have.members(["Ben", "Anna"]);
      expect(await ann.states()).to.deep.equal(["idle", "connecting", "joined"]);
    });
  });

  describe("typing", () => {
    it("is shown to the other members, until the text is sent", async () => {
      const { room: ann } = await demo.openTab();
      const { room: ben } = await demo.openTab();
      await ann.joins("general", "Ann");
      await ben.joins("general", "Ben");
      await ann.message.fill("Five");
      const typing = ben.region.locator(".typing");
      await typing.getByText("Ann is typing…").waitFor();
      expect(await ann.region.locator(".typing").textContent()).to.equal("");
      await ann.message.press("Enter");
      await ben.texts(1);
      await until(async () => (await typing.textContent()) === "");
      await ann.message.fill("Thi");
      await typing.getByText("Ann is typing…").waitFor();
      await ann.leaves();
      await until(async () => (await typing.textContent()) === "");
    });

    it("is told again after 3 s, and its end once", async () => {
      const tab = await demo.openTabWithClock();
      const frames: string[] = [];
      tab.page.on("websocket", (socket) =>
        socket.on("framesent", ({ payload }) => {
          if (String(payload).includes('"typing"')) frames.push(String(payload));
        }),
      );
      await tab.room.joins("general", "Ann");
      await tab.stopsTheClock();
      await tab.room.message.fill("F");
      await tab.page.clock.fastForward(2_900);
      await tab.room.message.fill("Fi");
      await tab.page.clock.fastForward(100);
      await tab.room.message.fill("Fiv");
      await tab.room.message.fill("");
      await tab.room.says("Five");
      await tab.room.texts(1);
      const on = '{"on":true,"type":"typing"}';
      const off = '{"on":false,"type":"typing"}';
      expect(frames).to.deep.equal([on, on, off, on, off]);
    });
  });

  describe("the member list", () => {
    it("is shown while connected, and follows joins, renames and leaves", async () => {
      const { room: ann } = await demo.openTab();
      const { room: ben, page } = await demo.openTab();
      const { room: guest } = await demo.openTab();
      await ann.joins("general", "Ann");
      expect(await ann.members(1)).to.deep.equal(["Ann"]);
      await ben.joins("general", " Ben ");
      await ann.present.getByText("Ben").waitFor();
      for (const member of [ann, ben]) expect(await member.members(2)).to.have.members(["Ann", "Ben"]);
      await guest.joins("general");
      expect((await ann.members(3)).at(-1)).to.match(/^Guest \d{4}$/);
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
      await room.present.getByText("Ann").waitFor();
      expect(await room.members(1)).to.deep.equal(["Ann"]);
    });

    it("shows names as text, and long ones truncated with the full name as a tooltip", async () => {
      const { room, page } = await demo.openTab();
      const name = "<img src=x onerror=window.harmed=1>WWWWWW"; // 40 letters are sent
      await room.joins("general", name);
      await room.says("<b>hello</b>");
      expect(await room.texts(1)).to.deep.equal([`${name.slice(0, 40)}: <b>hello</b>`]);
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
