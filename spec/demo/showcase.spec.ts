import { expect } from "chai";
import { Client } from "../support/client.ts";
import { type DemoPlace, demoPlaces } from "../support/demo-place.ts";

// Other programs rely on these texts: do not change them.

for (const [place, start] of Object.entries(demoPlaces)) {
  describe(`the demo's showcase, ${place}`, () => {
    let demo: DemoPlace;
    beforeEach(async () => {
      demo = await start();
    });
    afterEach(() => demo.close());

    const open = (path: string) => demo.open(path);
    const json = async (client: Client) => JSON.parse(String(await client.next()));

    it("sends the texts of /ws/chat to all its clients, with each join and leave", async () => {
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

    it("sends the events of /ws/analytics to all its clients", async () => {
      const ada = await open("/ws/analytics");
      // The client has joined once it receives its own event.
      ada.send("a view");
      expect(await ada.next()).to.equal("📊 Analytics: a view");
      const ben = await open("/ws/analytics");
      ben.send("a click");
      expect(await ben.next()).to.equal("📊 Analytics: a click");
      expect(await ada.next()).to.equal("📊 Analytics: a click");
    });

    describe("/ws/notifications", () => {
      const connected = { type: "system", message: "🔔 Connected to notifications!" };

      it("notifies all clients, in JSON, of each new client and each message", async () => {
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
        it(`answers ${said} to ${sent.slice(0, 40)}`, async () => {
          const client = await open("/ws/notifications");
          await client.next();
          client.send(sent);
          expect(await json(client)).to.deep.equal({ type: "user", message: `🔔 Notification: ${said}` });
        });
      }

      it("answers a frame that is not JSON with an error, and keeps the connection", async () => {
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

      it("sends the texts of a client to all, with each join and leave", async () => {
        const ada = await open("/ws/reliable");
        expect(await ada.next()).to.equal(joined);
        const ben = await open("/ws/reliable");
        expect(await ben.next()).to.equal(joined);
        ben.send("hello");
        expect(await ben.next()).to.equal("📨 hello");
        await ben.close();
        expect(await ada.take(3)).to.deep.equal([joined, "📨 hello", left]);
      });

      it("first sends the missed texts, each once, to a client with `since`", async () => {
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

      it("tells the offset from which it continues if missed texts are gone", async () => {
        const ada = await open("/ws/reliable");
        for (let n = 1; n <= 1_001; n += 1) ada.send(String(n));
        expect((await ada.take(1_002)).at(-1)).to.equal("📨 1001");
        const ben = await open("/ws/reliable?since=1");
        expect(await ben.take(2)).to.deep.equal(["⚠️ Messages are missing here. On from 2.", "📨 2"]);
        expect((await ben.take(1_000)).slice(-2)).to.deep.equal(["📨 1001", joined]);
        const carl = await open("/ws/reliable?since=5000");
        expect(await carl.next()).to.match(/^⚠️ Messages are missing here\. On from \d+\.$/);
      });

      it("refuses an invalid offset with 400", async () => {
        for (const since of ["", "-1", "x", "1.5", "9007199254740993"]) {
          expect(await Client.refused(`${demo.url}/ws/reliable?since=${since}`), since).to.include({
            status: 400,
          });
        }
      });
    });
  });
}
