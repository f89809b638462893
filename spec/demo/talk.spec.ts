import { expect } from "chai";
import { Client } from "../support/client.ts";
import { type DemoPlace, demoPlaces } from "../support/demo-place.ts";
import { TalkClient } from "../support/talk-client.ts";

// Other programs rely on these frames: do not change them.

for (const [place, start] of Object.entries(demoPlaces)) {
  describe(`/ws/talk/:room, ${place}`, () => {
    let demo: DemoPlace;
    beforeEach(async () => {
      demo = await start();
    });
    afterEach(() => demo.close());

    const join = async (room = "stage") => TalkClient.of(await demo.open(`/ws/talk/${room}`));
    const listed = ({ welcome }: TalkClient) => welcome.members as { key: string; name: string }[];

    /** Two members that know each other. */
    async function pair(): Promise<[TalkClient, TalkClient]> {
      const ada = await join();
      const ben = await join();
      await ada.next("came");
      await knows(ben, ada);
      return [ada, ben];
    }

    /** Resolves once the server of `member` knows `other`. Another server learns of a member later. */
    async function knows(member: TalkClient, other: TalkClient): Promise<void> {
      let isKnown = listed(member).some(({ key }) => key === other.key);
      while (!isKnown) isKnown = (await member.next("came")).key === other.key;
    }

    it("welcomes a member with its key and name, the members and the last texts", async () => {
      const ada = await join();
      const { key, name } = ada.welcome;
      expect(ada.welcome).to.deep.equal({ type: "welcome", key, name, members: [{ key, name }], last: [] });
      expect(key).to.be.a("string").and.not.equal("");
      expect(name).to.match(/^Guest \d{4}$/);
    });

    it("tells the members that another one came and went", async () => {
      const ada = await join();
      const probe = await join();
      await knows(probe, ada);
      await ada.next("came");
      await probe.client.close();
      await ada.next("went");
      // If there are two servers, ben joins at that of the probe.
      await join("elsewhere");
      const ben = await join();
      const { key, name } = ben.welcome;
      expect(await ada.next("came")).to.deep.equal({ type: "came", key, name });
      expect(listed(ben)).to.have.deep.members([
        { key: ada.key, name: ada.welcome.name },
        { key, name },
      ]);
      await ben.client.close();
      expect(await ada.next("went")).to.deep.equal({ type: "went", key });
      expect(listed(await join())).to.have.length(2);
    });

    it("sends a text to every member, with its author and the time", async () => {
      const [ada, ben] = await pair();
      const before = Date.now();
      ada.send("say", { text: "Five minutes, please." });
      const { at, ...said } = await ada.next("said");
      expect(said).to.deep.equal({
        type: "said",
        key: ada.key,
        name: ada.welcome.name,
        text: "Five minutes, please.",
      });
      expect(at).to.be.within(before, Date.now());
      expect(await ben.next("said")).to.deep.equal({ ...said, at });
    });

    it("renames a member for every member, replies, and uses the name in texts and in later welcomes", async () => {
      const [ada, ben] = await pair();
      for (const name of ["A", "Ada", "Ada"]) {
        ada.send("rename", { id: `to ${name}`, name });
        expect(await ada.next("greenroom.reply")).to.deep.equal({
          type: "greenroom.reply",
          id: `to ${name}`,
          value: { name },
        });
        for (const member of [ada, ben])
          expect(await member.next("renamed")).to.deep.equal({ type: "renamed", key: ada.key, name });
      }
      ada.send("say", { text: "It is me." });
      expect(await ben.next("said")).to.have.property("name", "Ada");
      expect(listed(await join())).to.deep.include({ key: ada.key, name: "Ada" });
    });

    it("reports each of several renames that arrive together", async () => {
      const [ada, ben] = await pair();
      for (const name of ["A", "B", "C"]) ada.send("rename", { name });
      for (const name of ["A", "B", "C"]) expect((await ben.next("renamed")).name).to.equal(name);
    });

    it("tells every other member that a member types", async () => {
      const [ada, ben] = await pair();
      for (const on of [true, true, false]) {
        ada.send("typing", { on });
        expect(await ben.next("typing")).to.deep.equal({ type: "typing", key: ada.key, on });
      }
      ben.send("typing", { on: true }); // Ada gets this notice, and none of her own.
      expect(await ada.next("typing")).to.have.property("key", ben.key);
      expect(ada.unread).to.deep.equal([]);
    });

    it("gives a new member the last 50 texts, however many other frames there were", async () => {
      const ada = await join();
      for (let n = 1; n <= 53; n++) ada.send("say", { text: `${n}` });
      await ada.texts(53);
      for (let n = 1; n <= 520; n++) ada.send("typing", { on: n % 2 === 1 });
      ada.send("rename", { id: 1, name: "Ada" });
      await ada.next("greenroom.reply");
      const last = (await join()).welcome.last as { text: string; at: number; name: string; key: string }[];
      expect(last.map(({ text }) => text)).to.deep.equal(Array.from({ length: 50 }, (_, n) => `${n + 4}`));
      const { at, ...first } = last[0] ?? {};
      expect(first).to.deep.equal({ key: ada.key, name: ada.welcome.name, text: "4" });
      expect(at).to.be.a("number");
    });

    it("gives a member that joins during a conversation each text once", async () => {
      const speaker = await join();
      let n = 0;
      const say = () => speaker.send("say", { text: `${++n}` });
      for (let round = 1; round <= 10; round++) {
        const joining = join();
        for (let turn = 1; turn <= 20; turn++) {
          say();
          await new Promise(setImmediate);
        }
        const member = await joining;
        say();
        const numbers = (member.welcome.last as { text: string }[]).map(({ text }) => Number(text));
        while (numbers.at(-1) !== n) numbers.push(...(await member.texts(1)).map(Number));
        const first = numbers[0] ?? 0;
        expect(numbers).to.deep.equal(Array.from({ length: n - first + 1 }, (_, index) => first + index));
        await member.client.close();
      }
    });

    it("isolates rooms, also if they differ in case only", async () => {
      const ada = await join("one");
      const ben = await join("One");
      expect(listed(ben)).to.have.length(1);
      ada.send("say", { text: "for one" });
      ada.send("typing", { on: true });
      await ada.next("said");
      ben.send("say", { text: "for One" });
      expect(await ben.next("said")).to.have.property("text", "for One");
      expect(ben.unread).to.deep.equal([]);
      expect(ada.unread).to.deep.equal([]);
    });

    it("refuses what does not fit, names the part, and stays open", async () => {
      const ada = await join();
      const refused = async (type: string, fields: object) => {
        ada.send(type, fields);
        const { code, id, issues, message } = await ada.next("greenroom.error");
        const paths = (issues as { path: unknown[] }[] | undefined)?.map(({ path }) => path.join("."));
        return { code, id, paths, message };
      };
      for (const text of ["", "x".repeat(2_001), undefined, 5]) {
        const { message, ...rest } = await refused("say", { text });
        expect(rest).to.deep.equal({ code: "greenroom.invalid", id: undefined, paths: ["text"] });
        expect(message).to.contain("text");
      }
      for (const name of ["", "x".repeat(41)])
        expect(await refused("rename", { id: 7, name })).to.deep.include({
          code: "greenroom.invalid",
          id: 7,
          paths: ["name"],
        });
      expect(await refused("rename", { id: {}, name: "Ada" })).to.include({ code: "greenroom.bad_frame" });
      expect(await refused("typing", { on: "yes" })).to.deep.include({ paths: ["on"] });
      expect(await refused("__proto__", {})).to.include({ code: "greenroom.unknown_type" });
      expect(await refused("said", { text: "forged" })).to.include({ code: "greenroom.unknown_type" });
      ada.client.send("{");
      expect(await ada.next("greenroom.error")).to.have.property("code", "greenroom.bad_json");
      for (const text of ["x", "x".repeat(2_000)]) ada.send("say", { text });
      expect(await ada.texts(2)).to.deep.equal(["x", "x".repeat(2_000)]);
      ada.send("rename", { id: 8, name: "x".repeat(40) });
      expect(await ada.next("greenroom.reply")).to.have.property("id", 8);
    });

    it("handles a frame that asks without an id, and sends no reply", async () => {
      const ada = await join();
      ada.send("rename", { name: "Ada" });
      expect(await ada.next("renamed")).to.have.property("name", "Ada");
      ada.send("rename", { id: 2, name: "Ada L." });
      expect(await ada.next("greenroom.reply")).to.have.property("id", 2);
    });

    it("refuses other names of rooms with 400 and a reason, by upgrade and by plain GET", async () => {
      for (const name of ["x".repeat(91), "a%20b", "caf%C3%A9", "a%2Fb", "a!b", "a%0A", "%ZZ"]) {
        const { status, body } = await Client.refused(`${demo.url}/ws/talk/${name}`);
        expect([status, body === ""], name).to.deep.equal([400, false]);
        const plain = await fetch(`${demo.url}/ws/talk/${name}`);
        expect([plain.status, (await plain.text()).trim()], name).to.deep.equal([400, body]);
      }
      await join("x".repeat(90));
      await join("%61-b_c.d");
    });
  });
}
