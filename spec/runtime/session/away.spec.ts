import { createServer } from "node:https";
import type { Socket } from "node:net";
import { expect } from "chai";
import { until } from "../../layers/support/until.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { destroyRawWebSockets, Opcode, RawWebSocket } from "../../support/raw-websocket.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";
import { SessionClient } from "../support/session-client.ts";
import { begin, Recorder, sessionsOf } from "../support/session-rig.ts";

describe("A session that is away", () => {
  afterEach(async () => {
    await destroyRawWebSockets();
    await stopServing();
  });

  it("stays in its groups and presences, which do not change, and ends with its tag", async () => {
    class Visitor extends Recorder {
      override async connect() {
        await super.connect();
        this.tag("user-1");
        this.track("lobby", { status: "here" }, { key: "ada" });
      }
    }
    const { cut, resume, runtime } = await begin({}, Visitor);
    const lobby = () => JSON.stringify([...runtime.presence("lobby")]);
    await until(() => lobby().includes("ada"));
    const before = lobby();
    await cut();
    await nextTurn();
    expect(lobby()).to.equal(before);
    expect(await runtime.disconnect("user-1", 4009, "signed out")).to.include({ count: 1 });
    await until(() => runtime.size === 0);
    expect(lobby()).to.equal("[]");
    const resumed = { c: "resumed", received: 0, done: 0, from: 1 };
    const bye = { c: "bye", code: 4009, reason: "signed out", after: null };
    expect(await (await resume(1, 0)).rest()).to.deep.equal([resumed, bye, 4009]);
  });

  it("counts its log as waiting, and drained() waits for the client or the end", async () => {
    class Bounded extends Recorder {
      static override readonly outbox = { maxLagBytes: 10 };
    }
    const { cut, resume, clock } = await begin({}, Bounded);
    await cut();
    const { current } = Recorder;
    current.send("12345");
    expect(current.waitingBytes).to.equal(5);
    await current.drained();
    current.send("6");
    let isDrained = false;
    const drained = current.drained().then(() => {
      isDrained = true;
    });
    await nextTurn();
    expect(isDrained).to.equal(false);
    const again = await resume(1, 0);
    await drained;
    expect(await again.take(3).then((frames) => frames.slice(1))).to.deep.equal(["12345", "6"]);
    await cut(again);
    const rejected = current.drained().then(
      () => "resolved",
      (error: Error) => error.name,
    );
    clock.increment(60_000);
    expect(await rejected).to.equal("ConnectionLostError");
  });

  it("lets drained() wait for the log if the socket breaks meanwhile", async () => {
    class Bounded extends Recorder {
      static override readonly outbox = { maxLagBytes: 1_000_000 };
    }
    const { client, cut, resume } = await begin({}, Bounded);
    client.websocket.pause();
    while (Recorder.current.waitingBytes < 600_000) Recorder.current.send("x".repeat(300_000));
    const drained = Recorder.current.drained();
    await cut();
    const again = await resume(1, 0);
    await drained;
    expect(await again.nextControl()).to.include({ c: "resumed", from: 1 });
  });

  it("comes from a client that reads too slowly, which loses nothing", async () => {
    class Slow extends Recorder {
      static override readonly outbox = { maxLagBytes: 100_000 };
      static override readonly session = { maxBytes: 100_000_000 };
    }
    const { client, resume, sessions, runtime } = await begin({}, Slow);
    client.websocket.pause();
    const texts: string[] = [];
    while (sessions.awayCount === 0) {
      texts.push(`${texts.length} ${"x".repeat(1_000_000)}`);
      Recorder.current.send(texts.at(-1) ?? "");
      await nextTurn();
    }
    Recorder.current.send("while away");
    client.websocket.resume();
    expect(await client.closed).to.deep.equal({ code: 3008, reason: "Reads too slowly" });
    const received: unknown[] = [];
    for (let frame = client.received(); frame !== undefined; frame = client.received()) received.push(frame);
    const again = await resume(1, received.length);
    expect(await again.nextControl()).to.include({ c: "resumed", from: received.length + 1 });
    while (received.length <= texts.length) received.push(await again.next());
    expect(received.map(String)).to.deep.equal([...texts, "while away"]);
    expect(runtime.counters().dropped.slow).to.equal(0);
  });

  it("keeps the last frames of a slow client from a farewell that would hide their loss", async () => {
    class Slow extends Recorder {
      static override readonly outbox = { maxLagBytes: 100_000 };
      static override readonly session = { maxBytes: 100_000_000 };
    }
    const { client, resume, runtime, sessions } = await begin({}, Slow);
    client.websocket.pause();
    const sizes = 12;
    for (let n = 0; n < sizes; n += 1) Recorder.current.send(`${n}`.repeat(1_000_000));
    await nextTurn();
    await nextTurn();
    expect(sessions.awayCount).to.equal(0);
    Recorder.current.send("last");
    Recorder.current.close(4002, "over");
    client.websocket.resume();
    const frames = await client.rest();
    expect(frames.at(-1)).to.equal(3008);
    const again = await resume(1, frames.length - 1);
    const rest = await again.rest();
    expect(rest.slice(-3)).to.deep.equal([
      "last",
      { c: "bye", code: 4002, reason: "over", after: null },
      4002,
    ]);
    expect(frames.length - 1 + rest.length - 3).to.equal(sizes + 1);
    await until(() => runtime.size === 0);
  });

  it("comes from a client without a sign of life, which is not told that another socket has its session", async () => {
    const { clock, url, sessions, client } = await begin();
    await client.close(1002);
    const silent = await RawWebSocket.open(url, { "Sec-WebSocket-Protocol": "greenroom.v1" });
    expect((await silent.next())?.opcode).to.equal(Opcode.text);
    while (sessions.awayCount === 0) {
      clock.increment(25_000);
      await nextTurn();
    }
    const opcodes = (await silent.rest()).map(({ opcode }) => opcode);
    expect(opcodes.filter((opcode) => opcode !== Opcode.ping)).to.deep.equal([]);
  });

  it("comes while connect is pending, if the client was accepted before", async () => {
    const connecting = gate();
    class Early extends Recorder {
      override async connect() {
        await super.connect();
        await this.accept();
        await connecting.opened;
      }
    }
    const { client, cut, resume, runtime } = await begin({}, Early);
    client.send("echo one");
    client.control({ c: "beat" });
    expect(await client.nextControl()).to.deep.equal({ c: "beat" });
    await cut();
    const again = await resume(1, 0);
    expect(await again.nextControl()).to.deep.equal({ c: "resumed", received: 1, done: 0, from: 1 });
    connecting.open();
    expect(await again.next()).to.equal("one");
    expect(await again.nextControl()).to.deep.equal({ c: "ack", n: 1 });
    expect(runtime.size).to.equal(1);
  });

  it("does not come before the client is accepted: then there is no session", async () => {
    const connecting = gate();
    class Late extends Recorder {
      override connect() {
        return connecting.opened;
      }
    }
    const { runtime, url, server } = await serve({ layers: chat() });
    runtime.route("/ws", Late);
    const ended = new Promise((resolve) => {
      server.once("connection", (socket: Socket) => socket.once("close", resolve));
    });
    const client = new SessionClient(`${url}/ws`, ["greenroom.v1"]);
    await until(() => runtime.size === 1);
    client.cut();
    await ended;
    connecting.open();
    await until(() => runtime.size === 0);
    expect(sessionsOf({ runtime: runtime as never }).size).to.equal(0);
  });

  for (const compression of [true, { threshold: 0, serverNoContextTakeover: false }]) {
    it(`works with compression: ${JSON.stringify(compression)}`, async () => {
      const { client, cut, resume } = await begin({ compression });
      const text = "\u0001 long ".repeat(1_000);
      client.send(`echo ${text}`);
      expect(client.websocket.extensions).to.include("permessage-deflate");
      expect(await client.next()).to.equal(`\u0001${text}`);
      expect(await client.nextControl()).to.deep.equal({ c: "ack", n: 1 });
      await cut();
      for (const each of ["a", text, "b"]) Recorder.current.send(each);
      const again = await resume(1, 1);
      expect(await again.nextControl()).to.include({ c: "resumed", from: 2 });
      expect(await again.take(3)).to.deep.equal(["a", `\u0001${text}`, "b"]);
    });
  }

  it("works over TLS", async () => {
    const { url, runtime } = await serve({ layers: chat() }, createServer(await makeCertificate()) as never);
    runtime.route("/ws", Recorder);
    const open = (protocols: string[]) =>
      new SessionClient(`${url}/ws`, ["greenroom.v1", ...protocols], { rejectUnauthorized: false });
    const client = open([]);
    const session = String((await client.nextControl()).session);
    client.send("echo one");
    expect(await client.next()).to.equal("one");
    client.cut();
    const again = open(["greenroom.resume"]);
    await new Promise((resolve) => again.websocket.once("open", resolve));
    again.control({ c: "resume", session, try: 1, got: 0 });
    expect(await again.nextControl()).to.include({ c: "resumed", received: 1 });
    expect(await again.next()).to.equal("one");
  });
});
