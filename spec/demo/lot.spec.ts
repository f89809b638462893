import { expect } from "chai";
import { connect } from "greenroom/client";
import { WebSocket } from "ws";
import { lot } from "../../demo/contracts/lot.ts";
import { waitFor } from "../../runtime/testing/wait-for.ts";
import { Client } from "../support/client.ts";
import { type DemoPlace, demoPlaces } from "../support/demo-place.ts";
import { LotClient } from "../support/lot-client.ts";

// Other programs rely on these frames: do not change them.

const idle = { type: "state", state: "idle", amount: null, by: null, reserve: null, closesAt: null, bids: 0 };
const leading = { type: "greenroom.reply", value: { leading: true } };

for (const [place, start] of Object.entries(demoPlaces)) {
  describe(`/ws/lot/:lot, ${place}`, function () {
    this.timeout(60_000);
    let demo: DemoPlace;
    beforeEach(async () => {
      demo = await start();
    });
    afterEach(() => demo.close());

    const enter = async (name = "17") => new LotClient(await demo.open(`/ws/lot/${name}`));

    /** Opens a lot, and returns the time when it closes. */
    async function opened(client: LotClient, seconds: number, reserve: number): Promise<number> {
      const { type, value } = await client.ask("open", { seconds, reserve });
      expect(type).to.equal("greenroom.reply");
      return (value as { closesAt: number }).closesAt;
    }

    /** The state with this name, within a time limit. A pause counts as a tenth of it at most. */
    const arrives = (client: LotClient, state: string, timeoutMs: number) =>
      waitFor(client.state({ state }), { timeoutMs }, () => `Not ${state} after ${timeoutMs} ms.`);

    async function rejected(client: LotClient, amount: number, beat: number | null): Promise<void> {
      const { message, ...error } = await client.ask("bid", { by: "Ben", amount });
      expect(error).to.deep.equal({ type: "greenroom.error", code: "rejected", data: { beat } });
      expect(message).to.be.a("string").and.not.equal("");
    }

    it("shows a lot that does not exist as idle, and refuses bids on it", async () => {
      const client = await enter();
      expect(await client.state()).to.deep.equal(idle);
      await rejected(client, 500, null);
      expect(await (await enter()).state()).to.deep.equal(idle);
      expect(client.states).to.deep.equal([]);
    });

    it("sends the state first, also to a client that asks at once", async () => {
      const client = await demo.open("/ws/lot/17");
      client.send(JSON.stringify({ type: "bid", id: 1, by: "Ada", amount: 1 }));
      expect(JSON.parse(String(await client.next()))).to.deep.equal(idle);
      expect(JSON.parse(String(await client.next()))).to.have.property("id", 1);
    });

    it("opens, and tells every client the state first and at each change", async () => {
      const ada = await enter();
      const ben = await enter();
      for (const client of [ada, ben]) expect(await client.state()).to.deep.equal(idle);
      const before = Date.now();
      const closesAt = await opened(ada, 60, 100);
      expect(closesAt).to.be.within(before + 60_000, Date.now() + 60_000);
      const open = { ...idle, state: "open", reserve: 100, closesAt };
      for (const client of [ada, ben]) expect(await client.state()).to.deep.equal(open);
      await rejected(ben, 100, 100);
      expect(await ben.ask("bid", { by: "Ben", amount: 101 })).to.deep.equal(leading);
      const led = { ...open, amount: 101, by: "Ben", bids: 1 };
      for (const client of [ada, ben]) expect(await client.state()).to.deep.equal(led);
      await rejected(ada, 101, 101);
      expect(await ada.ask("bid", { by: "Ada", amount: 500 })).to.deep.equal(leading);
      const last = { ...open, amount: 500, by: "Ada", bids: 2 };
      for (const client of [ada, ben, await enter()]) expect(await client.state()).to.deep.equal(last);
    });

    it("replies to a second open with the time of the first, and changes nothing", async () => {
      const ada = await enter();
      const closesAt = await opened(ada, 60, 100);
      expect(await opened(await enter(), 3_600, 5)).to.equal(closesAt);
      expect(await (await enter()).state()).to.include({ state: "open", reserve: 100, closesAt });
    });

    it("is going in the last 5 s, extended by a bid, then sold, and can be opened again", async () => {
      const ada = await enter();
      const first = await opened(ada, 6, 0);
      expect(await ada.state({ state: "open" })).to.include({ closesAt: first });
      expect(await arrives(ada, "going", 2_000)).to.include({ closesAt: first });
      expect(first - Date.now()).to.be.at.most(5_050);
      const before = Date.now();
      expect(await ada.ask("bid", { by: "Ada", amount: 7 })).to.deep.equal(leading);
      const { closesAt } = await ada.state({ bids: 1 });
      expect(closesAt).to.be.within(before + 5_000, Date.now() + 5_000);
      const sold = await arrives(ada, "sold", 6_000);
      expect(Number(closesAt) - Date.now()).to.be.at.most(50);
      expect(sold).to.deep.equal({
        ...idle,
        state: "sold",
        amount: 7,
        by: "Ada",
        reserve: 0,
        closesAt,
        bids: 1,
      });
      await rejected(ada, 8, null);
      const again = await opened(await enter(), 60, 3);
      expect(await ada.state()).to.deep.equal({ ...idle, state: "open", reserve: 3, closesAt: again });
    });

    it("takes each of many bids at once exactly once", async () => {
      const clients = await Promise.all(Array.from({ length: 10 }, () => enter()));
      await opened(clients[0] as LotClient, 3_600, 0);
      const amounts = Array.from({ length: 200 }, (_, n) => n + 1);
      const answers = await Promise.all(
        clients.map(async (client, index) => {
          const own = amounts.filter((amount) => amount % 10 === index);
          const sent = own.map((amount) => client.ask("bid", { by: `${index}`, amount }));
          return (await Promise.all(sent)).filter(({ type }) => type === leading.type).length;
        }),
      );
      const bids = answers.reduce((sum, count) => sum + count);
      expect(bids).to.be.within(20, 200);
      expect(await (await enter()).state()).to.include({ amount: 200, by: "0", bids });
    });

    it("isolates lots, also if they differ in case only", async () => {
      const [one, other] = [await enter("one"), await enter("One")];
      await opened(one, 60, 0);
      await one.state({ state: "open" });
      expect(await (await enter("One")).state()).to.deep.equal(idle);
      await rejected(other, 1, null);
    });

    it("refuses what does not fit, names the part, and stays open", async () => {
      const client = await enter();
      const wrong = async (type: string, fields: object) => {
        const { code, issues } = await client.ask(type, fields);
        const paths = (issues as { path: unknown[] }[] | undefined)?.map(({ path }) => path.join("."));
        return [code, paths];
      };
      for (const seconds of [4, 3_601, 5.5, "60", undefined])
        expect(await wrong("open", { seconds, reserve: 0 })).to.deep.equal([
          "greenroom.invalid",
          ["seconds"],
        ]);
      for (const reserve of [-1, 0.5, null])
        expect(await wrong("open", { seconds: 5, reserve })).to.deep.equal([
          "greenroom.invalid",
          ["reserve"],
        ]);
      for (const by of ["", "x".repeat(41), 5])
        expect(await wrong("bid", { by, amount: 1 })).to.deep.equal(["greenroom.invalid", ["by"]]);
      for (const amount of [1.5, "1", undefined])
        expect(await wrong("bid", { by: "Ada", amount })).to.deep.equal(["greenroom.invalid", ["amount"]]);
      expect(await wrong("close", {})).to.deep.equal(["greenroom.unknown_type", undefined]);
      await opened(client, 3_600, 0);
    });

    it("refuses other names of lots with 400 and a reason, by upgrade and by plain GET", async () => {
      for (const name of ["x".repeat(41), "a%20b", "caf%C3%A9", "a%2Fb", "a!b", "a%0A", "%7B1%7D", "%ZZ"]) {
        const { status, body } = await Client.refused(`${demo.url}/ws/lot/${name}`);
        expect([status, body === ""], name).to.deep.equal([400, false]);
        const plain = await fetch(`${demo.url}/ws/lot/${name}`);
        expect([plain.status, (await plain.text()).trim()], name).to.deep.equal([400, body]);
      }
      for (const name of ["x".repeat(40), "%61-b_c.d"])
        expect(await (await enter(name)).state()).to.deep.equal(idle);
    });

    it("serves the client of the contract", async () => {
      const client = connect(lot, { url: demo.url.replace("http", "ws"), params: { lot: "17" }, WebSocket });
      try {
        const states: string[] = [];
        client.on("state", ({ state }) => states.push(state));
        const { closesAt } = await client.ask("open", { seconds: 60, reserve: 100 });
        expect(closesAt).to.be.a("number");
        const error = await client.ask("bid", { by: "Ada", amount: 1 }).catch((error) => error);
        expect(error).to.include({ code: "rejected" });
        expect(error.data).to.deep.equal({ beat: 100 });
        expect(await client.ask("bid", { by: "Ada", amount: 101 })).to.deep.equal({ leading: true });
        expect(states[0]).to.equal("idle");
      } finally {
        await client.close();
      }
    });
  });
}
