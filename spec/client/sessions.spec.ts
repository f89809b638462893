import { expect } from "chai";
import { ConnectionClosed, MayHaveBeenTaken } from "../../client/errors.ts";
import { until } from "../layers/support/until.ts";
import { nextTurn } from "../support/next-turn.ts";
import { outcomeOf, Stage } from "./support/stage.ts";

describe("A client's session", () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.open();
  });
  afterEach(() => stage.close());

  it("begins with hello, on a socket that offers only greenroom.v1 and the application's subprotocols", async () => {
    const { client, peer } = await stage.joined({ protocols: ["chat.v2"] }, { protocol: "chat.v2" });
    expect(peer.offered).to.deep.equal(["greenroom.v1", "chat.v2"]);
    expect(client.protocol).to.equal("chat.v2");
    expect(client.seen.states).to.deep.equal(["joined"]);
  });

  it("is resumed after a cut, with a try that rises with each attempt", async () => {
    const { client, peer } = await stage.joined();
    peer.send("one");
    peer.send("two");
    peer.cut();
    const second = await stage.comesBack(client);
    expect(second.peer.offered).to.deep.equal(["greenroom.v1", "greenroom.resume"]);
    expect(second.resume).to.deep.equal({ c: "resume", session: "node.secret", try: 1, got: 2 });
    second.peer.cut();
    const third = await stage.comesBack(client);
    expect(third.resume).to.deep.equal({ c: "resume", session: "node.secret", try: 2, got: 2 });
    third.peer.control({ c: "resumed", received: 0, done: 0, from: 3 });
    await client.reaches("joined");
    expect(client.seen.gaps).to.deep.equal([]);
  });

  it("delivers each frame once and in order over two sockets", async () => {
    const { client, peer } = await stage.joined();
    const texts: string[] = [];
    client.on("text", (text) => texts.push(text));
    peer.send("one");
    peer.cut();
    const { peer: second } = await stage.comesBack(client);
    second.control({ c: "resumed", received: 0, done: 0, from: 2 });
    second.send("two");
    await until(() => texts.length === 2);
    expect(texts).to.deep.equal(["one", "two"]);
  });

  it("settles what resumed.done covers, and sends again what the server has not received", async () => {
    const { client, peer } = await stage.joined();
    const sends = ["a", "b", "c", "d"].map((text) => outcomeOf(client.send(text)));
    await until(() => peer.unread.length === 4);
    peer.cut();
    const { peer: second } = await stage.comesBack(client);
    second.control({ c: "resumed", received: 2, done: 1, from: 1 });
    expect(await second.read()).to.equal("c");
    expect(await second.read()).to.equal("d");
    expect(sends.map(({ state }) => state)).to.deep.equal(["resolved", "pending", "pending", "pending"]);
    second.control({ c: "ack", n: 4 });
    await until(() => sends.every(({ state }) => state === "resolved"));
  });

  it("sends what was queued while away after what is sent again", async () => {
    const { client, peer } = await stage.joined();
    outcomeOf(client.send("a"));
    await peer.read();
    peer.cut();
    await client.reaches("away");
    outcomeOf(client.send("b"));
    const { peer: second } = await stage.comesBack(client);
    second.control({ c: "resumed", received: 0, done: 0, from: 1 });
    expect([await second.read(), await second.read()]).to.deep.equal(["a", "b"]);
  });

  it("reports frames that the server could not keep as a gap, and counts on behind them", async () => {
    const { client, peer } = await stage.joined();
    peer.send("one");
    peer.cut();
    const { peer: second } = await stage.comesBack(client);
    second.control({ c: "resumed", received: 0, done: 0, from: 5 });
    second.send("five");
    await until(() => client.seen.gaps.length === 1);
    expect(client.seen.gaps).to.deep.equal([{ missed: 3, fresh: false }]);
    second.cut();
    const { resume } = await stage.comesBack(client);
    expect(resume).to.include({ got: 5 });
  });

  it("counts skipped frames, and reports them as a gap", async () => {
    const { client, peer } = await stage.joined();
    peer.control({ c: "skip", n: 7 });
    await until(() => client.seen.gaps.length === 1);
    expect(client.seen.gaps).to.deep.equal([{ missed: 7, fresh: false }]);
    peer.cut();
    expect((await stage.comesBack(client)).resume).to.include({ got: 7 });
  });

  it("passes on a gap of the server", async () => {
    const { client, peer } = await stage.joined();
    peer.control({ c: "gap", group: "tea", fresh: false });
    await until(() => client.seen.gaps.length === 1);
    expect(client.seen.gaps).to.deep.equal([{ group: "tea", fresh: false }]);
  });

  it("that is gone rejects the frames on the wire, and keeps repeatable ones and those never sent, in order", async () => {
    const { client, peer } = await stage.joined({}, { window: 4 });
    const [first, second] = ["first", "second"].map((text) => outcomeOf(client.send(text)));
    for (const text of ["again", "and again"]) outcomeOf(client.send(text, { repeatable: true }));
    const waiting = outcomeOf(client.send("waiting"));
    await until(() => peer.unread.length === 4);
    peer.cut();
    const { peer: resumed } = await stage.comesBack(client);
    resumed.control({ c: "gone", code: 3993, reason: "ended", missed: 4 });
    const fresh = await stage.welcome(client);
    expect(fresh.offered).to.deep.equal(["greenroom.v1"]);
    await until(() => fresh.unread.length === 3);
    expect(fresh.unread).to.deep.equal(["again", "and again", "waiting"]);
    for (const sent of [first, second])
      expect(sent?.value).to.be.instanceOf(MayHaveBeenTaken).with.property("code", "ERR_MAY_HAVE_BEEN_TAKEN");
    expect(client.seen.gaps).to.deep.equal([{ missed: 4, fresh: true }]);
    expect(client.seen.states).to.deep.equal(["joined", "away", "connecting", "joined"]);
    fresh.control({ c: "ack", n: 3 });
    await until(() => waiting.state === "resolved");
  });

  it("that is gone with the count of handled frames keeps all but the first of the others", async () => {
    const { client, peer } = await stage.joined({}, { window: 4 });
    const texts = ["done", "begun", "read", "repeatable", "waiting"];
    const sends = texts.map((text) => outcomeOf(client.send(text, { repeatable: text === "repeatable" })));
    await until(() => peer.unread.length === 4);
    peer.cut();
    const { peer: resumed } = await stage.comesBack(client);
    resumed.control({ c: "gone", code: 3993, reason: "ended", done: 1 });
    const fresh = await stage.welcome(client);
    await until(() => fresh.unread.length === 3);
    expect(fresh.unread).to.deep.equal(["read", "repeatable", "waiting"]);
    const outcomes = ["resolved", "rejected", "pending", "pending", "pending"];
    expect(sends.map(({ state }) => state)).to.deep.equal(outcomes);
    expect(sends[1]?.value).to.be.instanceOf(MayHaveBeenTaken);
    // The frames that were kept do not count as uncertain.
    fresh.control({ c: "bye", code: 4001, reason: "", after: null });
    await client.reaches("closed");
    await nextTurn();
    expect(sends[2]?.value).to.be.instanceOf(MayHaveBeenTaken);
    for (const { value } of sends.slice(3)) expect(value).to.be.instanceOf(ConnectionClosed);
  });

  it("that is gone while it is joined comes back fresh, with delays that double", async () => {
    stage.environment.randomness = 1;
    const { client, peer } = await stage.joined();
    const failing = outcomeOf(client.send("fails", { repeatable: true }));
    const delays: number[] = [];
    for (let joined = peer, failure = 0; failure < 4; failure += 1) {
      expect(await joined.read()).to.equal("fails");
      joined.control({ c: "gone", code: 1011, reason: "Failed", done: 0 });
      await client.reaches("away");
      expect(await joined.closed).to.include({ code: 3990 });
      delays.push(client.seen.retries[0] ?? 0);
      joined = await stage.returns(client);
      expect(joined.offered).to.deep.equal(["greenroom.v1"]);
      joined.hello();
      await client.reaches("joined");
    }
    expect(delays).to.deep.equal([500, 1_000, 2_000, 4_000]);
    expect(client.seen.gaps).to.deep.equal(Array(4).fill({ fresh: true }));
    expect(failing.state).to.equal("pending");
  });

  it("that is gone begins again with counts of 0", async () => {
    const { client, peer } = await stage.joined();
    peer.send("one");
    peer.cut();
    const { peer: second } = await stage.comesBack(client);
    second.control({ c: "gone", code: 3993, reason: "" });
    const third = await stage.welcome(client, { session: "other.secret" });
    third.send("first");
    third.cut();
    expect((await stage.comesBack(client)).resume).to.deep.equal({
      c: "resume",
      session: "other.secret",
      try: 1,
      got: 1,
    });
  });

  it("that is gone for good closes the client", async () => {
    const { client, peer } = await stage.joined();
    peer.cut();
    const { peer: second } = await stage.comesBack(client);
    second.control({ c: "gone", code: 3403, reason: "Another user" });
    await client.reaches("closed");
    expect(client.status).to.deep.equal({ state: "closed", code: 3403, reason: "Another user", status: 403 });
  });

  it("ignores everything from a socket that was given up", async () => {
    const { client, peer } = await stage.joined({}, { beatMs: 1_000 });
    const texts: string[] = [];
    client.on("text", (text) => texts.push(text));
    const sent = outcomeOf(client.send("a"));
    await peer.read();
    stage.environment.advance(6_000);
    peer.send("late");
    peer.control({ c: "ack", n: 1 });
    const { peer: second, resume } = await stage.comesBack(client);
    expect(await peer.closed).to.include({ code: 3990 });
    expect(resume).to.include({ got: 0 });
    second.control({ c: "resumed", received: 1, done: 0, from: 1 });
    await client.reaches("joined");
    expect(texts).to.deep.equal([]);
    expect(sent.state).to.equal("pending");
  });

  it("acknowledges a second after the first unacknowledged frame, once for all", async () => {
    const { client, peer } = await stage.joined();
    let received = 0;
    client.on("text", () => {
      received += 1;
    });
    peer.send("one");
    peer.send("two");
    await until(() => received === 2);
    stage.environment.advance(999);
    await nextTurn();
    expect(peer.unread).to.deep.equal([]);
    stage.environment.advance(1);
    expect(await peer.readControl()).to.deep.equal({ c: "ack", n: 2 });
  });

  it("acknowledges nothing without a session", async () => {
    const { client, peer } = await stage.joined({}, { refusesSessions: true, maxBytes: 0 });
    const texts: string[] = [];
    client.on("text", (text) => texts.push(text));
    peer.send("one");
    await until(() => texts.length === 1);
    stage.environment.advance(1_000);
    await client.send("after");
    expect(await peer.read()).to.equal("after");
  });

  it("acknowledges in onmessage if the timer is late", async () => {
    const { peer, client } = await stage.joined();
    let received = 0;
    client.on("text", () => {
      received += 1;
    });
    peer.send("one");
    await until(() => received === 1);
    stage.environment.time += 1_000;
    peer.send("two");
    expect(await peer.readControl()).to.deep.equal({ c: "ack", n: 2 });
  });

  it("acknowledges at a quarter of maxBytes", async () => {
    const { peer } = await stage.joined({}, { maxBytes: 400 });
    peer.send("x".repeat(99));
    peer.send("y");
    expect(await peer.readControl()).to.deep.equal({ c: "ack", n: 2 });
  });

  it("has no counts if the consumer refuses sessions: send resolves when written, and each reconnect is fresh", async () => {
    const { client, peer } = await stage.joined({}, { refusesSessions: true });
    await client.send("a");
    expect(await peer.read()).to.equal("a");
    peer.cut();
    await client.reaches("away");
    const waiting = outcomeOf(client.send("b"));
    const second = await stage.returns(client);
    expect(second.offered).to.deep.equal(["greenroom.v1"]);
    expect(client.seen.gaps).to.deep.equal([]);
    second.hello({ refusesSessions: true });
    expect(await second.read()).to.equal("b");
    expect(waiting.state).to.equal("resolved");
    expect(client.seen.gaps).to.deep.equal([{ fresh: true }]);
    expect(client.seen.states).to.deep.equal(["joined", "away", "joined"]);
  });
});
