import type { StandardSchemaV1 } from "@standard-schema/spec";
import { expect } from "chai";
import { contract } from "greenroom/contract";
import { z } from "zod";
import { ConnectionClosed, FrameRefused, MayHaveBeenTaken } from "../../client/errors.ts";
import { until } from "../layers/support/until.ts";
import { gate } from "../support/gate.ts";
import { nextTurn } from "../support/next-turn.ts";
import type { Peer } from "./support/scripted-server.ts";
import { outcomeOf, Stage } from "./support/stage.ts";

/** Opened by the specs that need a schema that settles late. */
let checks = gate();

/** A schema that fails. Zod would leave a rejected promise behind. */
const broken = (validate: () => never | Promise<never>): StandardSchemaV1<object> => ({
  "~standard": { version: 1, vendor: "spec", validate },
});
const failure = () => {
  throw new Error("the schema broke");
};

const talk = contract({
  path: "/ws/:room/talk",
  params: z.object({ room: z.string().max(10) }),
  client: {
    say: z.object({ text: z.string() }),
    mood: z.string(),
    rename: { payload: z.object({ name: z.string() }), reply: z.object({ members: z.number() }) },
  },
  server: {
    throws: broken(failure),
    rejects: broken(async () => failure()),
    said: z.object({ text: z.string() }),
    count: z.number(),
    boxed: z.object({ value: z.number() }),
    slow: z.object({ text: z.string() }).refine(async () => {
      await checks.opened;
      return true;
    }),
  },
});

describe("A client with a contract", () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.open();
    checks = gate();
  });
  afterEach(() => stage.close());

  const client = (options: { readonly validate?: boolean } = {}) =>
    stage.contract(talk, { params: { room: "tea" }, ...options });
  type Talk = ReturnType<typeof client>;

  async function joined(
    options: { readonly validate?: boolean } = {},
  ): Promise<{ readonly room: Talk; readonly peer: Peer }> {
    const room = client(options);
    return { room, peer: await stage.welcome(room) };
  }

  it("connects to the path of the contract, below that of the address, with encoded parameters", async () => {
    const room = stage.contract(talk, { url: `${stage.server.url}/base/`, params: { room: "a/b ä" } });
    expect((await stage.welcome(room)).request.url).to.equal("/base/ws/a%2Fb%20%C3%A4/talk");
  });

  it("refuses parameters that are missing", () => {
    expect(() => stage.contract(talk, {})).to.throw(TypeError, "room");
    expect(() => stage.contract(talk, { params: { room: "" } })).to.throw(TypeError, "room");
  });

  it("takes parameters that are not texts", async () => {
    const page = contract({
      path: "/page/:number",
      params: z.object({ number: z.coerce.number<number>() }),
      client: {},
      server: {},
    });
    const peer = await stage.welcome(stage.contract(page, { params: { number: 7 } }));
    expect(peer.request.url).to.equal("/page/7");
  });

  it("sends a frame as JSON, and a payload that is not an object as value", async () => {
    const { room, peer } = await joined();
    outcomeOf(room.send("say", { text: "hi" }));
    outcomeOf(room.send("mood", "happy"));
    expect(await peer.readJson()).to.deep.equal({ type: "say", text: "hi" });
    expect(await peer.readJson()).to.deep.equal({ type: "mood", value: "happy" });
  });

  for (const validate of [true, false]) {
    it(`gives the payload of a frame to the listeners of its type, ${validate ? "with" : "without"} validation`, async () => {
      const { room, peer } = await joined({ validate });
      const seen: unknown[] = [];
      room.on("said", (payload) => seen.push(payload));
      room.on("count", (payload) => seen.push(payload));
      room.on("boxed", (payload) => seen.push(payload));
      peer.sendJson({ type: "said", text: "hi" });
      peer.sendJson({ type: "count", value: 3 });
      peer.sendJson({ type: "boxed", value: 4 });
      await until(() => seen.length === 3);
      expect(seen).to.deep.equal([{ text: "hi" }, 3, { value: 4 }]);
      expect(room.seen.errors).to.deep.equal([]);
    });
  }

  it("reports frames that do not fit, instead of giving them to listeners", async () => {
    const { room, peer } = await joined();
    const seen: unknown[] = [];
    room.on("said", (payload) => seen.push(payload));
    peer.sendJson({ type: "said", text: 1 });
    peer.sendJson({ type: "unknown" });
    peer.sendJson({ type: "toString" });
    peer.sendJson(["said"]);
    peer.send("no JSON");
    peer.send("null");
    peer.send(new Uint8Array([1]));
    peer.sendJson({ type: "said", text: "fits" });
    await until(() => seen.length === 1);
    expect(seen).to.deep.equal([{ text: "fits" }]);
    expect(room.seen.errors).to.have.length(7);
    for (const error of room.seen.errors) expect(error).to.have.property("code", "ERR_INVALID_FRAME");
  });

  it("ignores frames that its contract does not have, without validation", async () => {
    const { room, peer } = await joined({ validate: false });
    const seen: unknown[] = [];
    room.on("said", (payload) => seen.push(payload));
    peer.sendJson({ type: "newer" });
    peer.sendJson({ type: "said", text: 1 });
    await until(() => seen.length === 1);
    expect(room.seen.errors).to.deep.equal([]);
  });

  it("keeps the order of frames if a schema is asynchronous", async () => {
    const { room, peer } = await joined();
    const seen: string[] = [];
    room.on("said", ({ text }) => seen.push(text));
    room.on("slow", ({ text }) => seen.push(text));
    peer.sendJson({ type: "slow", text: "first" });
    peer.sendJson({ type: "said", text: "second" });
    const reply = room.ask("rename", { name: "Ada" }).then(() => seen.push("reply"));
    await peer.readJson();
    peer.sendJson({ type: "greenroom.reply", id: 1, value: { members: 1 } });
    peer.control({ c: "skip", n: 1 });
    await until(() => room.seen.gaps.length === 1);
    expect(seen).to.deep.equal([]);
    checks.open();
    await reply;
    expect(seen).to.deep.equal(["first", "second", "reply"]);
    peer.sendJson({ type: "said", text: "third" });
    await until(() => seen.length === 4);
  });

  for (const type of ["throws", "rejects"]) {
    it(`reports the error of a schema that ${type}`, async () => {
      const { room, peer } = await joined();
      peer.sendJson({ type });
      await until(() => room.seen.errors.length === 1);
      expect(room.seen.errors[0]).to.have.property("message", "the schema broke");
    });
  }

  describe("that asks", () => {
    it("resolves with the reply", async () => {
      const { room, peer } = await joined();
      const asks = ["Ada", "Bob"].map((name) => room.ask("rename", { name }));
      expect(await peer.readJson()).to.deep.equal({ type: "rename", id: 1, name: "Ada" });
      expect(await peer.readJson()).to.deep.equal({ type: "rename", id: 2, name: "Bob" });
      peer.sendJson({ type: "greenroom.reply", id: 2, value: { members: 2 } });
      peer.sendJson({ type: "greenroom.reply", id: 1, value: { members: 1 } });
      expect(await Promise.all(asks)).to.deep.equal([{ members: 1 }, { members: 2 }]);
      expect(room.seen.errors).to.deep.equal([]);
      expect(stage.environment.timers.size).to.equal(2, "the acknowledgement and the watch");
    });

    it("rejects with the error of the server", async () => {
      const { room, peer } = await joined();
      const asked = outcomeOf(room.ask("rename", { name: "Ada" }));
      await peer.readJson();
      const error = { code: "app.taken", message: "The name is taken", data: { by: "Bob" } };
      peer.sendJson({ type: "greenroom.error", id: 1, ...error });
      await until(() => asked.state === "rejected");
      expect(asked.value)
        .to.be.instanceOf(FrameRefused)
        .and.include({ code: error.code, message: error.message });
      expect(asked.value).to.have.deep.property("data", error.data);
      expect(room.seen.errors).to.deep.equal([]);
    });

    it("rejects if the reply does not fit", async () => {
      const { room, peer } = await joined();
      const asked = outcomeOf(room.ask("rename", { name: "Ada" }));
      await peer.readJson();
      peer.sendJson({ type: "greenroom.reply", id: 1, value: { members: "many" } });
      await until(() => asked.state === "rejected");
      expect(asked.value).to.have.property("code", "ERR_INVALID_FRAME");
    });

    it("rejects after timeoutMs, and does not send a frame that has waited until then", async () => {
      const room = client();
      const asked = outcomeOf(room.ask("rename", { name: "Ada" }, { timeoutMs: 500 }));
      stage.environment.advance(500);
      await until(() => asked.state === "rejected");
      expect(asked.value).to.have.property("code", "ERR_ASK_TIMEOUT");
      outcomeOf(room.send("say", { text: "hi" }));
      const peer = await stage.welcome(room);
      expect(await peer.readJson()).to.deep.equal({ type: "say", text: "hi" });
      peer.sendJson({ type: "greenroom.reply", id: 1, value: { members: 1 } });
      peer.sendJson({ type: "greenroom.error", id: 1, code: "late", message: "" });
      peer.control({ c: "skip", n: 1 });
      await until(() => room.seen.gaps.length === 1);
      expect(room.seen.errors).to.deep.equal([]);
    });

    it("rejects after 10 s by default", async () => {
      const { room, peer } = await joined();
      const asked = outcomeOf(room.ask("rename", { name: "Ada" }));
      await peer.readJson();
      stage.environment.advance(9_999);
      await nextTurn();
      expect(asked.state).to.equal("pending");
      stage.environment.advance(1);
      await until(() => asked.state === "rejected");
    });

    it("rejects with the reason of its signal", async () => {
      const { room, peer } = await joined();
      const reason = new Error("enough");
      const controller = new AbortController();
      const asked = outcomeOf(room.ask("rename", { name: "Ada" }, { signal: controller.signal }));
      await peer.readJson();
      controller.abort(reason);
      await until(() => asked.state === "rejected");
      expect(asked.value).to.equal(reason);
      const late = outcomeOf(room.ask("rename", { name: "Ada" }, { signal: controller.signal }));
      await until(() => late.state === "rejected");
      expect(late.value).to.equal(reason);
      await nextTurn();
      expect(peer.unread).to.deep.equal([]);
    });

    it("waits for the reply over a lost socket, also if the frame was taken", async () => {
      const { room, peer } = await joined();
      const asked = outcomeOf(room.ask("rename", { name: "Ada" }));
      await peer.readJson();
      peer.control({ c: "ack", n: 1 });
      peer.cut();
      const { peer: second } = await stage.comesBack(room);
      second.control({ c: "resumed", received: 1, done: 1, from: 1 });
      second.sendJson({ type: "greenroom.reply", id: 1, value: { members: 1 } });
      await until(() => asked.state === "resolved");
    });

    it("rejects if the session is lost, whether the frame was taken or not", async () => {
      const { room, peer } = await joined();
      const asks = ["Ada", "Bob"].map((name) => outcomeOf(room.ask("rename", { name })));
      await until(() => peer.unread.length === 2);
      peer.cut();
      const { peer: second } = await stage.comesBack(room);
      second.control({ c: "gone", code: 3993, reason: "", done: 1 });
      await until(() => asks.every(({ state }) => state === "rejected"));
      for (const { value } of asks) expect(value).to.be.instanceOf(MayHaveBeenTaken);
    });

    it("asks the next session, if the server had not begun to handle the frame", async () => {
      const { room, peer } = await joined();
      const asks = ["Ada", "Bob"].map((name) => outcomeOf(room.ask("rename", { name })));
      await until(() => peer.unread.length === 2);
      peer.cut();
      const { peer: second } = await stage.comesBack(room);
      second.control({ c: "gone", code: 3993, reason: "", done: 0 });
      const third = await stage.welcome(room);
      expect(await third.readJson()).to.include({ type: "rename", id: 2 });
      third.sendJson({ type: "greenroom.reply", id: 2, value: { members: 1 } });
      await until(() => asks[1]?.state === "resolved");
      expect(asks[0]?.value).to.be.instanceOf(MayHaveBeenTaken);
    });

    it("rejects if the client is closed", async () => {
      const { room } = await joined();
      await room.close();
      const asked = outcomeOf(room.ask("rename", { name: "Ada" }));
      await until(() => asked.state === "rejected");
      expect(asked.value).to.be.instanceOf(ConnectionClosed);
      expect(stage.environment.timers.size).to.equal(0);
    });

    it("asks the next session, if the frame was not written before the session was lost", async () => {
      const { room, peer } = await joined();
      peer.cut();
      await room.reaches("away");
      const asked = outcomeOf(room.ask("rename", { name: "Ada" }));
      const { peer: second } = await stage.comesBack(room);
      second.control({ c: "gone", code: 3993, reason: "" });
      const third = await stage.welcome(room);
      expect(await third.readJson()).to.include({ type: "rename", id: 1 });
      third.sendJson({ type: "greenroom.reply", id: 1, value: { members: 1 } });
      await until(() => asked.state === "resolved");
    });

    it("rejects if the socket is lost and the consumer refuses sessions", async () => {
      const room = client();
      const peer = await stage.welcome(room, { refusesSessions: true });
      const asked = outcomeOf(room.ask("rename", { name: "Ada" }));
      await peer.readJson();
      peer.cut();
      await until(() => asked.state === "rejected");
      expect(asked.value).to.be.instanceOf(MayHaveBeenTaken);
    });
  });

  it("reports the error of a frame that does not ask", async () => {
    const { room, peer } = await joined();
    const sent = outcomeOf(room.send("say", { text: "" }));
    await peer.readJson();
    const issues = [{ path: ["text"], message: "Too short" }];
    peer.sendJson({ type: "greenroom.error", code: "greenroom.invalid", message: "Not valid", issues });
    peer.control({ c: "ack", n: 1 });
    await until(() => sent.state === "resolved");
    expect(room.seen.errors[0]).to.be.instanceOf(FrameRefused).with.property("code", "greenroom.invalid");
    expect(room.seen.errors[0]).to.have.deep.property("issues", issues);
  });

  describe("that iterates over events", () => {
    it("gets the frames that arrived since the call, in each iterator", async () => {
      const { room, peer } = await joined();
      const iterators = [room.events("said"), room.events("said")];
      for (const text of ["a", "b"]) peer.sendJson({ type: "said", text });
      for (const iterator of iterators) {
        expect(await iterator.next()).to.deep.equal({ value: { text: "a" }, done: false });
        expect(await iterator.next()).to.deep.equal({ value: { text: "b" }, done: false });
      }
      const next = iterators[0]?.next();
      peer.sendJson({ type: "said", text: "c" });
      expect(await next).to.deep.equal({ value: { text: "c" }, done: false });
    });

    it("stops when the loop is left, also while a call waits", async () => {
      const { room, peer } = await joined();
      const iterator = room.events("said");
      const next = iterator.next();
      await iterator.return?.();
      expect(await next).to.deep.equal({ value: undefined, done: true });
      const texts: string[] = [];
      peer.sendJson({ type: "said", text: "a" });
      for await (const { text } of room.events("said")) {
        texts.push(text);
        if (texts.length === 1) break;
      }
      expect(await iterator.next()).to.deep.equal({ value: undefined, done: true });
    });

    it("ends after the frames that wait when the client is closed", async () => {
      const { room, peer } = await joined();
      const iterator = room.events("said");
      peer.sendJson({ type: "said", text: "a" });
      peer.control({ c: "bye", code: 1000, reason: "", after: null });
      await room.reaches("closed");
      expect(await iterator.next()).to.deep.equal({ value: { text: "a" }, done: false });
      expect(await iterator.next()).to.deep.equal({ value: undefined, done: true });
      expect(await room.events("said").next()).to.deep.equal({ value: undefined, done: true });
    });

    it("throws after 1,000 frames that wait, instead of losing one silently", async () => {
      const { room, peer } = await joined({ validate: false });
      const iterator = room.events("said");
      const others = room.on("said", () => {});
      for (let n = 0; n < 1_001; n += 1) peer.sendJson({ type: "said", text: String(n) });
      peer.control({ c: "skip", n: 1 });
      await until(() => room.seen.gaps.length === 1);
      for (let n = 0; n < 1_000; n += 1)
        expect(await iterator.next()).to.deep.equal({ value: { text: String(n) }, done: false });
      const failed = outcomeOf(iterator.next());
      await until(() => failed.state === "rejected");
      expect(failed.value).to.have.property("code", "ERR_EVENTS_OVERFLOW");
      expect(await iterator.next()).to.deep.equal({ value: undefined, done: true });
      others();
    });
  });

  describe("that recovers relayed frames", () => {
    async function loseSession(room: Talk, peer: Peer): Promise<Peer> {
      peer.cut();
      const { peer: second } = await stage.comesBack(room);
      second.control({ c: "gone", code: 3993, reason: "" });
      const third = await stage.server.peer();
      third.hello({ session: "other.secret" });
      return third;
    }

    it("tells the marks of the joined groups after the loss of a session, before anything else", async () => {
      const { room, peer } = await joined();
      const seen: unknown[] = [];
      room.on("said", (payload) => seen.push(payload));
      peer.control({ c: "joined", group: "tea", epoch: "e", at: 10 });
      peer.control({ c: "joined", group: "left", epoch: "e", at: 1 });
      peer.control({ c: "joined", group: "quiet", epoch: "e", at: 5 });
      peer.control({ c: "left", group: "left", epoch: "e", at: 2 });
      peer.control({ c: "ticket", value: "sealed" });
      peer.sendJson({ type: "said", "@": ["tea", 11], text: "a" });
      peer.sendJson({ type: "said", "@": ["other", 99], text: "b" });
      await until(() => seen.length === 2);
      expect(seen).to.deep.equal([{ text: "a" }, { text: "b" }]);
      outcomeOf(room.send("say", { text: "hi" }, { repeatable: true }));
      const third = await loseSession(room, peer);
      expect(await third.readControl()).to.deep.equal({
        c: "since",
        ticket: "sealed",
        marks: { tea: 11, quiet: 5 },
      });
      expect(await third.readJson()).to.include({ type: "say" });
    });

    it("tells the newest marks that fit into a frame", async () => {
      const { room, peer } = await joined();
      const groups = Array.from({ length: 2_000 }, (_, n) => `${n}`.padStart(99, "group"));
      for (const group of groups) peer.control({ c: "joined", group, epoch: "e", at: 2 ** 40 });
      peer.control({ c: "ticket", value: "x".repeat(4_096) });
      const since = await (await loseSession(room, peer)).readControl();
      expect(JSON.stringify(since).length).to.be.below(65_536);
      const { marks } = since as { readonly marks: Readonly<Record<string, number>> };
      expect(Object.keys(marks)).to.deep.equal(groups.slice(-500));
    });

    it("announces the marks, so that the server waits for them", async () => {
      const { room, peer } = await joined();
      peer.control({ c: "joined", group: "tea", epoch: "e", at: 10 });
      expect(peer.offered).to.deep.equal(["greenroom.v1"]);
      peer.control({ c: "ticket", value: "sealed" });
      const second = await loseSession(room, peer);
      expect(second.offered).to.deep.equal(["greenroom.v1", "greenroom.since"]);
      expect(await second.readControl()).to.include({ c: "since" });
    });

    it("asks again after a resumption, until a ticket has arrived", async () => {
      const { room, peer } = await joined();
      peer.control({ c: "joined", group: "tea", epoch: "e", at: 10 });
      peer.control({ c: "ticket", value: "sealed" });
      const second = await loseSession(room, peer);
      const since = await second.readControl();
      second.cut();
      const { peer: third } = await stage.comesBack(room);
      third.control({ c: "resumed", received: 0, done: 0, from: 1 });
      expect(await third.readControl()).to.deep.equal(since);
      third.control({ c: "ticket", value: "other" });
      outcomeOf(room.send("say", { text: "hi" }));
      expect(await third.readJson()).to.include({ type: "say" });
      third.cut();
      const { peer: fourth } = await stage.comesBack(room);
      fourth.control({ c: "resumed", received: 0, done: 0, from: 1 });
      expect(await fourth.readJson()).to.include({ type: "say" });
    });

    it("takes the mark of a group from the server when it joins the group, and keeps the others", async () => {
      const { room, peer } = await joined();
      for (const group of ["tea", "new", "kept"]) peer.control({ c: "joined", group, epoch: "e", at: 10 });
      peer.control({ c: "ticket", value: "first" });
      const second = await loseSession(room, peer);
      await second.readControl();
      second.control({ c: "joined", group: "tea", epoch: "e", at: 12 });
      second.control({ c: "joined", group: "new", epoch: "f", at: 3 });
      second.control({ c: "ticket", value: "second" });
      second.sendJson({ type: "said", "@": ["new", 4], text: "a" });
      const third = await loseSession(room, second);
      expect(await third.readControl()).to.deep.equal({
        c: "since",
        ticket: "second",
        marks: { tea: 12, new: 4, kept: 10 },
      });
    });

    it("sends nothing without a ticket, and nothing after a resumption", async () => {
      const { room, peer } = await joined();
      peer.control({ c: "joined", group: "tea", epoch: "e", at: 10 });
      peer.cut();
      const { peer: second } = await stage.comesBack(room);
      second.control({ c: "resumed", received: 0, done: 0, from: 1 });
      await room.reaches("joined");
      const third = await loseSession(room, second);
      outcomeOf(room.send("say", { text: "hi" }));
      expect(await third.readJson()).to.include({ type: "say" });
      expect(second.unread).to.deep.equal([]);
    });
  });
});
