import { expect } from "chai";
import { WebSocket } from "ws";
import { ConnectionClosed, MayHaveBeenTaken } from "../../client/errors.ts";
import { until } from "../layers/support/until.ts";
import { nextTurn } from "../support/next-turn.ts";
import { outcomeOf, Stage } from "./support/stage.ts";

/** A socket whose closing handshake never ends. */
class SilentSocket extends WebSocket {
  override close(): void {}
}

describe("A client that is closed", () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.open();
  });
  afterEach(() => stage.close());

  it("says bye, closes with 1000, and resolves once the socket is closed", async () => {
    const { client, peer } = await stage.joined();
    await Promise.all([client.close(), client.close()]);
    await client.close();
    expect(await peer.readControl()).to.deep.equal({ c: "bye" });
    expect(await peer.closed).to.include({ code: 1000 });
    expect(client.status).to.deep.equal({ state: "closed", code: 1000, reason: "" });
    expect(client.seen.states).to.deep.equal(["joined", "closing", "closed"]);
    expect(stage.environment.timers.size).to.equal(0);
  });

  it("sends what is queued first, and waits for its ack", async () => {
    const { client, peer } = await stage.joined({}, { window: 1 });
    const sends = ["a", "b"].map((text) => outcomeOf(client.send(text)));
    const closed = outcomeOf(client.close());
    const late = outcomeOf(client.send("late"));
    expect(await peer.read()).to.equal("a");
    peer.control({ c: "ack", n: 1 });
    expect(await peer.read()).to.equal("b");
    expect(closed.state).to.equal("pending");
    expect(late.value).to.be.instanceOf(ConnectionClosed);
    peer.control({ c: "ack", n: 2 });
    expect(await peer.readControl()).to.deep.equal({ c: "bye" });
    await until(() => closed.state === "resolved");
    expect(sends.map(({ state }) => state)).to.deep.equal(["resolved", "resolved"]);
  });

  it("waits for 5 s at most, and tells frames that may have been taken from those that were not sent", async () => {
    const { client, peer } = await stage.joined({}, { window: 1 });
    const sends = ["a", "b"].map((text) => outcomeOf(client.send(text)));
    const closed = outcomeOf(client.close());
    await peer.read();
    stage.environment.advance(4_999);
    await nextTurn();
    expect(peer.unread).to.deep.equal([]);
    stage.environment.advance(1);
    expect(await peer.readControl()).to.deep.equal({ c: "bye" });
    await until(() => closed.state === "resolved");
    expect(sends[0]?.value).to.be.instanceOf(MayHaveBeenTaken);
    expect(sends[1]?.value).to.be.instanceOf(ConnectionClosed);
  });

  it("does not wait for a server that does not answer the close", async () => {
    const { client, peer } = await stage.joined({ WebSocket: SilentSocket });
    expect(peer.offered).to.deep.equal(["greenroom.v1"]);
    const closed = outcomeOf(client.close());
    await nextTurn();
    expect(closed.state).to.equal("pending");
    stage.environment.advance(1_000);
    await nextTurn();
    expect(closed.state).to.equal("resolved");
  });

  it("resumes its session to send what is queued", async () => {
    const { client, peer } = await stage.joined();
    const sent = outcomeOf(client.send("a"));
    await peer.read();
    peer.cut();
    await client.reaches("away");
    const closed = outcomeOf(client.close());
    const { peer: second } = await stage.comesBack(client);
    second.control({ c: "resumed", received: 0, done: 0, from: 1 });
    expect(await second.read()).to.equal("a");
    second.control({ c: "ack", n: 1 });
    expect(await second.readControl()).to.deep.equal({ c: "bye" });
    await until(() => closed.state === "resolved");
    expect(sent.state).to.equal("resolved");
    expect(client.seen.states).to.deep.equal(["joined", "away", "closing", "closed"]);
  });

  it("resumes its session at once to end it, if it is away and nothing is queued", async () => {
    const { client, peer } = await stage.joined();
    peer.cut();
    await client.reaches("away");
    const closed = client.close();
    const second = await stage.server.peer();
    expect(await second.readControl()).to.include({ c: "resume" });
    second.control({ c: "resumed", received: 0, done: 0, from: 1 });
    expect(await second.readControl()).to.deep.equal({ c: "bye" });
    await closed;
  });

  it("is closed at once if it has no session and nothing is queued", async () => {
    const client = stage.raw();
    await client.close();
    expect(client.status).to.deep.equal({ state: "closed", code: 1000, reason: "" });
    await nextTurn();
    expect(stage.server.upgrades).to.equal(0);
    expect(stage.environment.timers.size).to.equal(0);
  });

  it("may be closed by a listener of its status", async () => {
    const client = stage.raw();
    client.onStatus(({ state }) => {
      if (state === "joined") void client.close();
    });
    const peer = await stage.server.peer();
    peer.hello();
    await client.reaches("closed");
    expect(await peer.readControl()).to.deep.equal({ c: "bye" });
    expect(client.seen.errors).to.deep.equal([]);
  });

  it("ends when the server says bye for good: only the first frame without an ack may have been taken", async () => {
    const { client, peer } = await stage.joined({}, { window: 3 });
    const sends = ["a", "b", "c", "d"].map((text) => outcomeOf(client.send(text)));
    await until(() => peer.unread.length === 3);
    peer.control({ c: "ack", n: 1 });
    peer.control({ c: "bye", code: 4001, reason: "Signed out", after: null });
    await client.reaches("closed");
    expect(client.status).to.deep.equal({ state: "closed", code: 4001, reason: "Signed out" });
    await nextTurn();
    expect(sends.map(({ state }) => state)).to.deep.equal(["resolved", "rejected", "rejected", "rejected"]);
    expect(sends[1]?.value).to.be.instanceOf(MayHaveBeenTaken);
    for (const { value } of sends.slice(2)) expect(value).to.be.instanceOf(ConnectionClosed);
    stage.environment.advance(60_000);
    await nextTurn();
    expect(stage.server.upgrades).to.equal(1);
  });

  it("leaves when the failure of its last frame ends the session", async () => {
    const { client, peer } = await stage.joined();
    const sent = outcomeOf(client.send("a"));
    const closed = outcomeOf(client.close());
    await peer.read();
    peer.control({ c: "gone", code: 1011, reason: "Failed", done: 0 });
    await until(() => closed.state === "resolved");
    expect(sent.value).to.be.instanceOf(MayHaveBeenTaken);
    expect(stage.environment.timers.size).to.equal(0);
  });

  it("closes when the session is gone for good, and knows the frames that were not taken", async () => {
    const { client, peer } = await stage.joined();
    const sends = ["a", "b", "c"].map((text) => outcomeOf(client.send(text)));
    await until(() => peer.unread.length === 3);
    peer.send("without an ack");
    peer.control({ c: "gone", code: 3403, reason: "Forbidden", done: 1 });
    await client.reaches("closed");
    expect(stage.environment.timers.size).to.equal(0);
    await nextTurn();
    expect(sends[0]?.state).to.equal("resolved");
    expect(sends[1]?.value).to.be.instanceOf(MayHaveBeenTaken);
    expect(sends[2]?.value).to.be.instanceOf(ConnectionClosed);
  });

  it("refuses a frame after the end, with the reason", async () => {
    const { client, peer } = await stage.joined();
    peer.control({ c: "bye", code: 4001, reason: "Signed out", after: null });
    await client.reaches("closed");
    const late = outcomeOf(client.send("late"));
    await nextTurn();
    expect(late.value)
      .to.be.instanceOf(ConnectionClosed)
      .and.include({ closeCode: 4001, reason: "Signed out" });
    const own = stage.raw();
    await own.close();
    const later = outcomeOf(own.send("later"));
    await nextTurn();
    expect(later.value).to.be.instanceOf(ConnectionClosed).and.include({ closeCode: 1000 });
  });

  it("remembers that a repeatable frame may have been taken by a lost session", async () => {
    const { client, peer } = await stage.joined();
    const sent = outcomeOf(client.send("a", { repeatable: true }));
    await peer.read();
    peer.cut();
    const { peer: second } = await stage.comesBack(client);
    second.control({ c: "gone", code: 3993, reason: "" });
    const third = await stage.welcome(client);
    third.control({ c: "bye", code: 4001, reason: "", after: null });
    await client.reaches("closed");
    await nextTurn();
    expect(sent.value).to.be.instanceOf(MayHaveBeenTaken);
  });

  it("does not know what was taken if the resumption is refused", async () => {
    const { client, peer } = await stage.joined();
    const sends = ["a", "b"].map((text) => outcomeOf(client.send(text)));
    await until(() => peer.unread.length === 2);
    peer.cut();
    const { peer: second } = await stage.comesBack(client);
    second.control({ c: "bye", code: 3403, reason: "Another user", after: null });
    await client.reaches("closed");
    await nextTurn();
    for (const { value } of sends) expect(value).to.be.instanceOf(MayHaveBeenTaken);
  });

  for (const code of [1000, 1001, 1006, 1011, 1012, 3008, 4000]) {
    it(`is away, not closed, if a socket ends with ${code} and without bye`, async () => {
      const { client, peer } = await stage.joined();
      if (code === 1006) peer.cut();
      else peer.close(code);
      await client.reaches("away");
    });
  }

  for (const code of [1002, 1003, 1007, 1008, 1009, 3991]) {
    it(`is closed if a socket ends with ${code}`, async () => {
      const { client, peer } = await stage.joined();
      peer.close(code, "No");
      await client.reaches("closed");
      expect(client.status).to.deep.equal({ state: "closed", code, reason: "No" });
    });
  }
});
