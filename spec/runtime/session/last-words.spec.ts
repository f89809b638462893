import { expect } from "chai";
import { type ClientControl, controlText, isControl } from "../../../protocol/control-frames.ts";
import { until } from "../../layers/support/until.ts";
import { destroyRawWebSockets, Opcode, RawWebSocket } from "../../support/raw-websocket.ts";
import { stopServing } from "../../support/serving.ts";
import { SessionClient } from "../support/session-client.ts";
import { begin, Recorder } from "../support/session-rig.ts";

const bye = { c: "bye", code: 4002, reason: "over", after: null };
/** Resumes a session by a socket that answers no close frame. */
async function openSilent({ url, session }: { url: string; session: string }, attempt: number, got: number) {
  const socket = await RawWebSocket.open(url, { "Sec-WebSocket-Protocol": "greenroom.v1, greenroom.resume" });
  socket.send(Opcode.text, controlText({ c: "resume", session, try: attempt, got }));
  return socket;
}

/** The next frames, with the control frames as objects. */
async function textsOf(socket: RawWebSocket, count: number): Promise<unknown[]> {
  const texts: unknown[] = [];
  while (texts.length < count) {
    const text = String((await socket.next())?.payload);
    texts.push(isControl(text) ? JSON.parse(text.slice(1)) : text);
  }
  return texts;
}

const gone = { c: "gone", code: 3993, reason: "The session has ended, or was on another node" };

describe("The end of a session", () => {
  afterEach(async () => {
    await destroyRawWebSockets();
    await stopServing();
  });

  /** A session that its consumer has closed while its client was away. */
  async function closedWhileAway(...texts: string[]) {
    const begun = await begin();
    begun.client.send("echo done");
    await begun.client.nextControl().catch(() => {});
    await until(() => Recorder.log.includes("echo done"));
    await begun.cut();
    for (const text of texts) Recorder.current.send(text);
    Recorder.current.close(4002, "over");
    await until(() => begun.runtime.size === 0);
    return begun;
  }

  it("repeats the frames and bye until they are acknowledged, without an actor", async () => {
    const { resume, sessions, runtime, url, session } = await closedWhileAway("one", "two");
    const resumed = { c: "resumed", received: 1, done: 1 };
    // Cut again: nothing has told the server that the client has read the rest.
    const first = await openSilent({ url, session }, 1, 1);
    expect(await textsOf(first, 4)).to.deep.equal([{ ...resumed, from: 2 }, "one", "two", bye]);
    expect(runtime.size).to.equal(0);
    await first.destroy();
    const second = await openSilent({ url, session }, 2, 2);
    expect(await textsOf(second, 3)).to.deep.equal([{ ...resumed, from: 3 }, "two", bye]);
    await second.destroy();
    const third = await resume(3, 2);
    expect(await third.rest()).to.deep.equal([{ ...resumed, from: 3 }, "two", bye, 4002]);
    await until(() => sessions.size === 0);
    expect(sessions.frames.bytes).to.equal(0);
    expect(await (await resume(4, 3)).rest()).to.deep.equal([gone, 3993]);
  });

  it("is forgotten once the client has acknowledged all, without an answer to the close frame", async () => {
    const { sessions, session, url } = await closedWhileAway("one");
    const silent = await openSilent({ url, session }, 1, 1);
    silent.send(Opcode.text, controlText({ c: "ack", n: 2 }));
    await until(() => sessions.size === 0);
    expect(sessions.frames.bytes).to.equal(0);
  });

  it("keeps the last words when the client closes with another code meanwhile", async () => {
    const { client, resume, sessions, runtime } = await begin();
    Recorder.current.send("one");
    Recorder.current.close(4002, "over");
    // The client gives its socket up before it reads the close frame.
    client.websocket.pause();
    client.websocket.close(3990);
    client.websocket.resume();
    await client.closed;
    await until(() => runtime.size === 0);
    expect(sessions.size).to.equal(1);
    const again = await resume(1, 0);
    const resumed = { c: "resumed", received: 0, done: 0, from: 1 };
    expect(await again.rest()).to.deep.equal([resumed, "one", bye, 4002]);
  });

  it("is forgotten once the client has repeated the close frame", async () => {
    const { client, sessions, runtime } = await begin();
    Recorder.current.send("one");
    Recorder.current.close(4002, "over");
    expect(await client.rest()).to.deep.equal(["one", bye, 4002]);
    await until(() => sessions.size === 0);
    expect(sessions.frames.bytes).to.equal(0);
    await until(() => runtime.size === 0);
    expect(runtime.counters().dropped.away).to.equal(0);
  });

  it("fences the socket of the end, and lets the actor end", async () => {
    const { client, runtime, session, url } = await begin();
    client.websocket.pause();
    Recorder.current.send("one");
    Recorder.current.close(4002, "over");
    // Neither of the sockets answers the close frame.
    const silent = await openSilent({ url, session }, 1, 0);
    await until(() => runtime.size === 0);
    expect(await textsOf(silent, 3)).to.deep.equal([
      { c: "resumed", received: 0, done: 0, from: 1 },
      "one",
      bye,
    ]);
    client.websocket.resume();
    expect(await client.closed).to.include({ code: 4002 });
  });

  it("refuses an attempt that is not later, and impossible counts, when it is over, too", async () => {
    const { resume, sessions, session, url } = await closedWhileAway("one");
    await openSilent({ url, session }, 3, 1).then((socket) => textsOf(socket, 1));
    expect(await (await resume(3, 1)).rest()).to.deep.equal([3992]);
    expect(await (await resume(4, 3)).rest()).to.deep.equal([1002]);
    expect([sessions.size, sessions.frames.bytes]).to.deep.equal([0, 0]);
  });

  it("forgets the last words after resumeMs, and counts the frames that nobody has read", async () => {
    const { clock, runtime, sessions, resume } = await closedWhileAway("one", "two");
    clock.increment(59_999);
    expect(sessions.size).to.equal(1);
    clock.increment(1);
    expect([sessions.size, sessions.frames.bytes]).to.deep.equal([0, 0]);
    // The client has not acknowledged the first frame either.
    expect(runtime.counters().dropped.away).to.equal(3);
    expect(await (await resume(1, 1)).rest()).to.deep.equal([gone, 3993]);
  });

  it("tells what the client has missed when it was away for too long, until resumeMs have passed again", async () => {
    const { client, clock, cut, resume, runtime, sessions } = await begin();
    client.send("echo one");
    await client.nextControl().catch(() => {});
    await cut();
    for (const text of ["two", "three"]) Recorder.current.send(text);
    clock.increment(60_000);
    await until(() => runtime.size === 0);
    const reason = "The client did not come back in time";
    const missed = { c: "gone", code: 3993, reason, missed: 2, done: 1 };
    expect(await (await resume(1, 1)).rest()).to.deep.equal([missed, 3993]);
    await until(() => sessions.size === 0);
    expect(runtime.counters().dropped.away).to.equal(3);
  });

  it("is told by gone first, also if a handler has settled after the end", async () => {
    const { clock, client, cut, resume, runtime } = await begin();
    client.send("hold");
    await until(() => Recorder.log.includes("hold"));
    await cut();
    clock.increment(60_000);
    Recorder.hold.open();
    await until(() => runtime.size === 0);
    const reason = "The client did not come back in time";
    expect(await (await resume(1, 0)).rest()).to.deep.equal([
      { c: "gone", code: 3993, reason, missed: 0, done: 1 },
      3993,
    ]);
  });

  it("comes from bye of the client, even if the socket breaks afterwards", async () => {
    for (const leave of [
      (client: SessionClient) => client.websocket.close(1000),
      (client: SessionClient) => client.cut(),
    ]) {
      const { client, resume, runtime, sessions } = await begin();
      client.send("echo one");
      await client.next();
      client.control({ c: "bye" });
      client.send("echo still handled");
      // A late acknowledgement does no harm.
      client.control({ c: "ack", n: 1 });
      await until(() => Recorder.log.includes("echo still handled"));
      expect([sessions.size, sessions.frames.bytes]).to.deep.equal([0, 0]);
      expect(await (await resume(1, 1)).rest()).to.deep.equal([gone, 3993]);
      leave(client);
      await until(() => runtime.size === 0);
      expect(Recorder.log.some((entry) => Array.isArray(entry) && entry[2] === "client")).to.equal(true);
      expect(Recorder.log).not.to.include("onAway");
      await stopServing();
    }
  });

  for (const code of [1000, 1001, 3008, 3990, 4000, 1011]) {
    it(`does not come from a close with ${code} without bye`, async () => {
      const { client, runtime, sessions, resume } = await begin();
      client.websocket.close(code);
      await until(() => sessions.awayCount === 1);
      expect(await (await resume(1, 0)).nextControl()).to.include({ c: "resumed" });
      expect(runtime.size).to.equal(1);
    });
  }

  for (const code of [1002, 1003, 1007, 1008, 1009]) {
    it(`comes from a close with ${code}`, async () => {
      const { client, runtime, sessions } = await begin();
      client.websocket.close(code);
      await until(() => runtime.size === 0);
      expect(Recorder.log.at(-1)).to.deep.equal(["disconnect", code, "client"]);
      expect(sessions.size).to.equal(0);
    });
  }

  it("comes from a frame that breaks the rules of WebSocket", async () => {
    const { client, runtime, sessions } = await begin();
    client.send("x".repeat(70_000));
    expect(await client.closed).to.include({ code: 1009 });
    await until(() => runtime.size === 0);
    expect(sessions.size).to.equal(0);
  });

  it("comes on drain, with a spread time to come back; an away session ends, too", async () => {
    const { client, cut, runtime, url, sessions } = await begin();
    const stays = await SessionClient.open(url);
    await stays.nextControl();
    await cut(client);
    await runtime.close();
    const [last, code] = await stays.rest();
    const { after, ...rest } = last as { after: number };
    expect(rest).to.deep.equal({ c: "bye", code: 1012, reason: "The server is restarting" });
    expect(after).to.be.within(0, 1_000);
    expect(code).to.equal(1012);
    expect(sessions.awayCount).to.equal(0);
    expect(runtime.size).to.equal(0);
  });

  it("is gone for a client that comes back to this node after 1012", async () => {
    const { cut, resume } = await begin();
    await cut();
    Recorder.current.send("one");
    Recorder.current.close(1012, "restart");
    const again = await resume(1, 0);
    expect(await again.rest()).to.deep.equal([
      { c: "resumed", received: 0, done: 0, from: 1 },
      "one",
      { c: "gone", code: 1012, reason: "restart", done: 0 },
      1012,
    ]);
  });

  it("counts frames that come from and for a client after the end", async () => {
    const { client, runtime } = await begin();
    client.send("hold");
    await until(() => Recorder.log.includes("hold"));
    client.websocket.pause();
    Recorder.current.close(4002, "over");
    Recorder.current.send("too late");
    expect(runtime.counters().dropped.closing).to.equal(1);
    for (const text of ["a", "b"]) client.send(text);
    await until(() => runtime.counters().dropped.closing === 3);
    Recorder.hold.open();
    client.websocket.resume();
    await client.closed;
  });

  it("ignores what the client says after the end", async () => {
    const { client, runtime, sessions } = await begin();
    client.websocket.pause();
    Recorder.current.send("one");
    Recorder.current.close(4002, "over");
    for (const frame of [{ c: "beat" }, { c: "bye" }] satisfies ClientControl[]) client.control(frame);
    client.control({ c: "ack", n: 0 });
    client.websocket.resume();
    expect(await client.closed).to.include({ code: 4002 });
    await until(() => runtime.size === 0 && sessions.size === 0);
  });
});
