import { expect } from "chai";
import { Client } from "../support/client.ts";
import { type DemoPlace, demoPlaces } from "../support/demo-place.ts";

// The texts here are a contract with other programs: change them nowhere.

for (const [place, start] of Object.entries(demoPlaces)) {
  describe(`the demo's showcase, ${place}`, () => {
    let demo: DemoPlace;
    beforeEach(async () => {
      demo = await start();
    });
    afterEach(() => demo.close());

    const open = (path: string) => demo.open(path);
    const json = async (client: Client) => JSON.parse(String(await client.next()));

    it("lets all of /ws/chat read what one writes, and who comes and goes", async () => {
      const ada = await open("/ws/chat");
      expect(await ada.next()).to.equal("📢 Someone joined the chat");
      const ben = await open("/ws/chat");
      expect(await ben.next()).to.equal("📢 Someone joined the chat");
      ben.send("hello");
      expect(await ben.next()).to.equal("💬 hello");
      await ben.close();
      expect(await ada.take(3)).to.deep.equal([
        "📢 Someone joined the chat",
        "💬 hello",
        "❌ Someone left the chat.",
      ]);
    });

    it("passes on to all of /ws/analytics what one reports", async () => {
      const ada = await open("/ws/analytics");
      // Who gets what it reports has joined.
      ada.send("a view");
      expect(await ada.next()).to.equal("📊 Analytics: a view");
      const ben = await open("/ws/analytics");
      ben.send("a click");
      expect(await ben.next()).to.equal("📊 Analytics: a click");
      expect(await ada.next()).to.equal("📊 Analytics: a click");
    });

    describe("/ws/notifications", () => {
      const connected = { type: "system", message: "🔔 Connected to notifications!" };

      it("notifies all, in JSON, of who comes and of what one sends", async () => {
        const ada = await open("/ws/notifications");
        expect(await json(ada)).to.deep.equal(connected);
        const ben = await open("/ws/notifications");
        expect([await json(ada), await json(ben)]).to.deep.equal([connected, connected]);
        ben.send(JSON.stringify({ message: "lunch" }));
        const lunch = { type: "user", message: "🔔 Notification: lunch" };
        expect([await json(ada), await json(ben)]).to.deep.equal([lunch, lunch]);
      });

      for (const [sent, said] of [
        ["{}", "No message"],
        ["7", "No message"],
        ["null", "No message"],
        ['{"message":7}', "7"],
        ['{"message":{"toString":1}}', "No message"],
        [`{"message":${"[".repeat(20_000)}${"]".repeat(20_000)}}`, "No message"],
      ] as const) {
        it(`makes ${said} of ${sent.slice(0, 40)}`, async () => {
          const client = await open("/ws/notifications");
          await client.next();
          client.send(sent);
          expect(await json(client)).to.deep.equal({ type: "user", message: `🔔 Notification: ${said}` });
        });
      }

      it("says what is wrong with what is no JSON, and stays", async () => {
        const client = await open("/ws/notifications");
        await client.next();
        client.send("{");
        expect((await json(client)).error).to.match(/JSON/);
        client.send('{"message":"still here"}');
        expect(await json(client)).to.have.property("message", "🔔 Notification: still here");
      });
    });

    describe("/ws/reliable", () => {
      const joined = "🔒 Reliable chat connection established!";
      const left = "🚪 Left reliable chat!";

      it("lets all read what one writes, and who comes and goes", async () => {
        const ada = await open("/ws/reliable");
        expect(await ada.next()).to.equal(joined);
        const ben = await open("/ws/reliable");
        expect(await ben.next()).to.equal(joined);
        ben.send("hello");
        expect(await ben.next()).to.equal("📨 hello");
        await ben.close();
        expect(await ada.take(3)).to.deep.equal([joined, "📨 hello", left]);
      });

      it("gives what was missed first, each text once, to a client that says since when", async () => {
        const ada = await open("/ws/reliable");
        const ben = await open("/ws/reliable?since=0");
        expect(await ben.take(2)).to.deep.equal([joined, joined]);
        ada.send("one");
        expect(await ben.next()).to.equal("📨 one");
        await ben.close();
        expect(await ada.take(4)).to.deep.equal([joined, joined, "📨 one", left]);
        for (const text of ["two", "three"]) ada.send(text);
        expect(await ada.take(2)).to.deep.equal(["📨 two", "📨 three"]);
        const again = await open("/ws/reliable?since=3");
        expect(await again.take(4)).to.deep.equal([left, "📨 two", "📨 three", joined]);
        ada.send("four");
        expect(await again.next()).to.equal("📨 four");
      });

      it("says where it goes on when what was missed is gone", async () => {
        const ada = await open("/ws/reliable");
        for (let n = 1; n <= 1_001; n += 1) ada.send(String(n));
        expect((await ada.take(1_002)).at(-1)).to.equal("📨 1001");
        const ben = await open("/ws/reliable?since=1");
        expect(await ben.take(2)).to.deep.equal(["⚠️ Messages are missing here. On from 2.", "📨 2"]);
        expect((await ben.take(1_000)).slice(-2)).to.deep.equal(["📨 1001", joined]);
        const carl = await open("/ws/reliable?since=5000");
        expect(await carl.next()).to.match(/^⚠️ Messages are missing here\. On from \d+\.$/);
      });

      it("refuses what is no offset with 400", async () => {
        for (const since of ["", "-1", "x", "1.5", "9007199254740993"]) {
          expect(await Client.refused(`${demo.url}/ws/reliable?since=${since}`), since).to.include({
            status: 400,
          });
        }
      });
    });
  });
}
