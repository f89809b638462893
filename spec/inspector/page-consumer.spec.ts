import { expect } from "chai";
import { WebSocketConsumer } from "greenroom";
import type { History, HistoryEntry } from "../../inspector/protocol.ts";
import { SessionClient } from "../runtime/support/session-client.ts";
import { Client } from "../support/client.ts";
import { InspectorClient } from "../support/inspector-client.ts";
import { inspectRuntime, machines, shortly, Talk } from "../support/inspector-runtime.ts";
import { stopServing } from "../support/serving.ts";

describe("pageConsumer", () => {
  afterEach(stopServing);

  it("refuses malformed requests, and keeps the connection open", async () => {
    const { page } = await inspectRuntime();
    const list = { type: "list", sort: "oldest", offset: 0, limit: 50 };
    for (const request of [
      null,
      "list",
      {},
      { type: "__proto__" },
      { ...list, sort: "constructor" },
      { ...list, limit: 201 },
      { ...list, offset: -1 },
      { ...list, search: "x".repeat(501) },
      { ...list, state: "joined" },
      { type: "open", actor: 7 },
      { type: "machines" },
    ]) {
      page.ask(request);
      expect((await page.next("refused")).reason, JSON.stringify(request)).to.be.a("string");
    }
    expect(await machines(page, "c99")).to.deep.equal([]);
    expect((await page.open("x:none")).entries).to.deep.equal([]);
    await page.list();
  });

  describe("a history", () => {
    it("has the frames, messages, groups and transitions of a connection from start to end", async () => {
      const { page, join } = await inspectRuntime();
      const client = await join();
      const [row] = (await page.list()).rows;
      const { entries, since, row: shown } = await page.open(row?.id ?? "");
      expect(shown?.id).to.equal(row?.id);
      expect(since).to.be.at.most(Date.now());
      client.send("hello");
      const talk = await page.entriesUntil(({ kind }) => kind === "message");
      client.send("leave");
      await page.entriesUntil(({ kind }) => kind === "groupDiscard");
      await client.close(4000, "enough");
      const end = await page.entriesUntil(({ kind }) => kind === "ended");
      expect([...entries, ...talk].map(shortly)).to.deep.equal([
        "client→actor began /ws/a",
        "actor→actor transition accept connecting → joined.online",
        "actor→layer groupAdd talk",
        "actor→client sent text 2",
        "client→actor frame text 5",
        "actor→layer groupSend word talk",
        "layer→actor message word talk",
      ]);
      expect(end.map(shortly)).to.deep.equal([
        "actor→actor transition lost joined.online → closing",
        "actor→actor transition cleaned closing → closed",
        "actor→actor ended 4000 by client: enough",
      ]);
      const times = [...entries, ...talk, ...end].map(({ at }) => at);
      expect(times).to.deep.equal([...times].sort());
      const gone = await page.next("history");
      expect(gone).to.not.have.property("row");
    });

    it("has the status of a refused connection", async () => {
      const { page, url, runtime } = await inspectRuntime();
      class No extends WebSocketConsumer {
        override connect() {
          this.reject(409, "Full");
        }
      }
      runtime.route("/ws/no", No);
      await Client.refused(`${url}/ws/no`);
      const tick = await page.next("tick", ({ transitions }) => transitions.length > 0);
      expect(tick.figures.refused).to.equal(1);
    });

    it("has payloads only if they are allowed, and only for the page that requested them", async () => {
      const { page, join, url } = await inspectRuntime({ payloads: true });
      const client = await join();
      const [row] = (await page.list()).rows;
      const other = await InspectorClient.open(url);
      await page.open(row?.id ?? "");
      await other.open(row?.id ?? "");
      const payloads = async (from: InspectorClient, text: string) => {
        client.send(text);
        const isLast = ({ kind }: HistoryEntry) => kind === "message";
        return (await from.entriesUntil(isLast)).map(({ payload }) => payload);
      };
      expect(await payloads(page, "quiet")).to.deep.equal([undefined, undefined, undefined]);
      page.ask({ type: "payloads", shown: true });
      await page.list();
      expect(await payloads(page, "aloud")).to.deep.equal([
        "aloud",
        "{ type: 'word', text: 'aloud' }",
        "{ type: 'word', text: 'aloud' }",
      ]);
      await other.entriesUntil(({ kind }) => kind === "message");
      expect(
        (await other.entriesUntil(({ kind }) => kind === "message")).map(({ payload }) => payload),
      ).to.deep.equal([undefined, undefined, undefined]);
      page.ask({ type: "payloads", shown: false });
      await page.list();
      expect(await payloads(page, "quiet again")).to.deep.equal([undefined, undefined, undefined]);
    });

    it("has no payloads if they are not allowed, and truncates them if they are", async () => {
      const strict = await inspectRuntime();
      const [row] = await joinAndList(strict);
      strict.page.ask({ type: "payloads", shown: true });
      await strict.page.open(row?.id ?? "");
      (await strict.join()).send("seen by all");
      const seen = await strict.page.entriesUntil(({ kind }) => kind === "message");
      expect(seen.filter(({ payload }) => payload !== undefined)).to.deep.equal([]);

      const open = await inspectRuntime({ payloads: true });
      const client = await open.join();
      const [shown] = (await open.page.list()).rows;
      await open.page.open(shown?.id ?? "");
      open.page.ask({ type: "payloads", shown: true });
      await open.page.list();
      client.send("x".repeat(50_000));
      const [frame] = await open.page.entriesUntil(({ kind }) => kind === "frame");
      expect(frame).to.include({ bytes: 50_000 });
      expect(frame?.payload).to.have.lengthOf(2_001);
    });

    it("records no payloads for a page that has disconnected", async () => {
      const { page, join, url } = await inspectRuntime({ payloads: true });
      const client = await join();
      const [row] = (await page.list()).rows;
      const curious = await InspectorClient.open(url);
      await curious.open(row?.id ?? "");
      curious.ask({ type: "payloads", shown: true });
      await curious.list();
      await curious.close();
      await page.next("tick", ({ figures }) => figures.watching === 1);
      client.send("secret");
      await page.next("tick", ({ figures }) => figures.framesInPerSecond > 0);
      const late = await InspectorClient.open(url);
      late.ask({ type: "payloads", shown: true });
      const { entries } = await late.open(row?.id ?? "");
      const frames = entries.filter(({ kind }) => kind === "frame");
      expect(frames.map(({ bytes, payload }) => [bytes, payload])).to.deep.equal([[6, undefined]]);
    });

    it("has no transition for an event that the machine ignores, for example while closing", async () => {
      const { page, url, runtime } = await inspectRuntime();
      class Fails extends WebSocketConsumer {
        override receive() {
          throw new Error("as it was told");
        }
      }
      runtime.route("/ws/fails", Fails);
      const [lamp, failing] = [await Client.open(`${url}/ws/light`), await Client.open(`${url}/ws/fails`)];
      const { rows } = await page.list();
      const transitionsOf = (entries: readonly HistoryEntry[]) =>
        entries.flatMap(({ kind, detail }) => (kind === "transition" ? [detail] : []));
      await page.open(rows[0]?.id ?? "");
      lamp.send('{"type":"up"}');
      expect(transitionsOf(await page.entriesUntil(({ kind }) => kind === "sent"))).to.deep.equal([]);
      await page.open(rows[1]?.id ?? "");
      failing.send("now");
      expect(transitionsOf(await page.entriesUntil(({ kind }) => kind === "ended"))).to.deep.equal([
        "joined.online → closing",
        "closing → closed",
      ]);
    });

    it("says how a session lost its socket, and when its client came back", async () => {
      const { page, url } = await inspectRuntime();
      const client = await SessionClient.open(`${url}/ws/a`);
      const { session } = await client.nextControl();
      await client.next();
      const [row] = (await page.list()).rows;
      await page.open(row?.id ?? "");
      client.cut();
      const lost = await page.entriesUntil(({ kind }) => kind === "away");
      expect(lost.map(shortly)).to.deep.equal([
        "actor→actor transition away joined.online → joined.away",
        "client→actor away 1006",
      ]);
      expect((await page.list({ search: "joined.away" })).rows.map(({ id }) => id)).to.deep.equal([row?.id]);
      const second = await SessionClient.resume(`${url}/ws/a`, String(session), 1, 1);
      const back = await page.entriesUntil(({ kind }) => kind === "resumed");
      expect(back.map(shortly)).to.deep.equal([
        "actor→actor transition online joined.away → joined.online",
        "client→actor resumed",
      ]);
      await second.next();
      await SessionClient.resume(`${url}/ws/a`, String(session), 2, 1);
      const fenced = await page.entriesUntil(({ kind }) => kind === "resumed");
      expect(fenced.map(shortly)).to.include(
        "client→actor away 3991: Another socket has taken over the session",
      );
    });

    it("is sampled for a busy actor, and has the rates of events and of samples", async () => {
      const { page, runtime } = await inspectRuntime();
      const talk = await runtime.spawn(Talk);
      await page.open(talk.machine.sessionId);
      // After a pause of the machine, a tick counts the events of more than a second.
      let history: History;
      do {
        for (let count = 0; count < 1_000; count += 1) talk.receive("leave");
        history = await page.next("history");
      } while (history.eventsPerSecond < 2_000);
      expect(history.recordedPerSecond).to.be.within(1, 220);
    });

    it("has the time of each failure, and the list of failures has the actor", async () => {
      const { page, join } = await inspectRuntime();
      const client = await join();
      const [row] = (await page.list()).rows;
      await page.open(row?.id ?? "");
      client.send("fail");
      const entries = await page.entriesUntil(({ kind }) => kind === "failed");
      expect(shortly(entries.at(-1) as HistoryEntry)).to.equal("actor→actor failed receive as it was told");
      const { failures } = await page.next("tick", (tick) => tick.failures.length > 0);
      expect({ ...failures[0], at: 0 }).to.deep.equal({
        at: 0,
        actor: row?.id,
        consumer: "Talk",
        path: "/ws/a",
        stage: "receive",
        message: "as it was told",
      });
      const [failed] = (await page.list({ sort: "error" })).rows;
      expect(failed?.lastError).to.include({ stage: "receive", message: "as it was told" });
    });
  });
});

async function joinAndList({ join, page }: { join(): Promise<Client>; page: InspectorClient }) {
  await join();
  return (await page.list()).rows;
}
