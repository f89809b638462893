import type { Socket } from "node:net";
import { expect } from "chai";
import { contractConsumer, frames, handlers, WebSocketConsumer } from "greenroom";
import { contract } from "greenroom/contract";
import { z } from "zod";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { stopServing } from "../../support/serving.ts";
import { SessionClient } from "../support/session-client.ts";
import { begin, Recorder, start } from "../support/session-rig.ts";

const mark = "\u0001";

/** Sends each text and each buffer back. */
class Echo extends WebSocketConsumer {
  static readonly texts: string[] = [];
  override receive(text: string) {
    Echo.texts.push(text);
    this.send(text);
  }
  override receiveBinary(bytes: Uint8Array) {
    this.send(bytes);
  }
}

describe("The frames of a session", () => {
  afterEach(stopServing);

  it("may begin with the mark of control frames, in both directions", async () => {
    const { client } = await begin({}, Echo);
    Echo.texts.length = 0;
    const texts = [mark, `${mark}{"c":"bye"}`, `${mark}${mark}`, `a${mark}`, ""];
    for (const text of texts) client.send(text.startsWith(mark) ? mark + text : text);
    client.send(Buffer.from(`${mark}{"c":"bye"}`));
    const echoed = (await client.take(6)).map(String);
    expect(Echo.texts).to.deep.equal(texts);
    expect(echoed).to.deep.equal([
      mark + mark,
      `${mark}${mark}{"c":"bye"}`,
      `${mark}${mark}${mark}`,
      `a${mark}`,
      "",
      `${mark}{"c":"bye"}`,
    ]);
    expect(await client.nextControl()).to.deep.equal({ c: "ack", n: 6 });
  });

  it("are repeated with their escape", async () => {
    const { cut, resume } = await begin();
    await cut();
    Recorder.current.send(`${mark}{"c":"bye"}`);
    const again = await resume(1, 0);
    await again.nextControl();
    expect(await again.next()).to.equal(`${mark}${mark}{"c":"bye"}`);
  });

  it("reach a client without a session as they are", async () => {
    const { url } = await start({}, Echo);
    const client = await Client.open(url);
    client.send(`${mark}{"c":"beat"}`);
    expect(await client.next()).to.equal(`${mark}{"c":"beat"}`);
  });

  it("count as done when the handler has failed, or the contract has refused them", async () => {
    class Resumer extends Recorder {
      static override readonly supervision = { onFailure: "resume" } as const;
    }
    const { client, runtime, url } = await begin({}, Resumer);
    client.send("throw");
    expect(await client.nextControl()).to.deep.equal({ c: "ack", n: 1 });
    class Strict extends contractConsumer(
      contract({ path: "/strict", client: { say: z.object({}) }, server: {} }),
    ) {
      static override readonly frames = frames<Strict>({ say() {} });
    }
    runtime.route(Strict);
    const strict = await SessionClient.open(url.replace("/ws", "/strict"));
    await strict.nextControl();
    strict.send('{"type":"shout"}');
    expect(String(await strict.next())).to.include("greenroom.unknown_type");
    expect(await strict.nextControl()).to.deep.equal({ c: "ack", n: 1 });
  });

  it("are the same bytes for all members of a room, also if one of them gets an ack", async () => {
    class Member extends WebSocketConsumer<{ messages: { note: object } }> {
      static override readonly layer = "chat";
      static override readonly on = handlers<Member>({
        note() {
          this.send("noted");
        },
      });
      override async connect() {
        await this.groupAdd("all");
      }
      override async receive() {
        await this.groupSend("all", { type: "note" });
      }
    }
    const { client, url, server } = await begin({}, Member);
    const written: Buffer[] = [];
    server.on("connection", (socket: Socket) => {
      const { write } = socket;
      socket.write = (chunk: Buffer, ...rest: never[]) => {
        written.push(chunk);
        return write.call(socket, chunk, ...rest);
      };
    });
    const others = [await SessionClient.open(url), await SessionClient.open(url)];
    for (const other of others) await other.nextControl();
    written.length = 0;
    others[0]?.send("note");
    expect(await client.next()).to.equal("noted");
    for (const other of others) expect(await other.next()).to.equal("noted");
    expect(await others[0]?.nextControl()).to.deep.equal({ c: "ack", n: 1 });
    const shared = written.filter((chunk) => String(chunk).endsWith("noted"));
    expect(shared).to.have.length(2);
    expect(shared[0]).to.equal(shared[1]);
  });

  it("of a handler come before the acknowledgement of its frame, and one ack covers a turn", async () => {
    const { client, url } = await begin();
    const bystander = await SessionClient.open(url);
    await bystander.nextControl();
    client.websocket.pause();
    for (let n = 1; n <= 3; n += 1) client.send(`echo ${n}`);
    client.websocket.resume();
    const frames = await client.take(4);
    expect(frames.slice(-2)).to.deep.equal(["3", `${mark}{"c":"ack","n":3}`]);
    bystander.send("echo mine");
    expect(await bystander.next()).to.equal("mine");
    expect(await bystander.nextControl()).to.deep.equal({ c: "ack", n: 1 });
  });

  it("are acknowledged with the outcome of a handler that ends the session", async () => {
    class Stopper extends Recorder {}
    const { client } = await begin({}, Stopper);
    client.send("echo one");
    client.send("throw");
    const frames = await client.rest();
    const gone = { c: "gone", code: 1011, reason: "Internal error", done: 2 };
    expect(frames.filter((frame) => (frame as { c?: string }).c !== "ack")).to.deep.equal([
      "one",
      gone,
      1011,
    ]);
    const acks = frames.filter((frame) => (frame as { c?: string }).c === "ack");
    expect(acks.at(-1)).to.deep.equal({ c: "ack", n: 2 });
  });

  it("answers a beat at the end of the turn, once, also while a handler is pending", async () => {
    const { client } = await begin();
    client.send("hold");
    for (let n = 0; n < 3; n += 1) client.control({ c: "beat" });
    await until(() => Recorder.log.includes("hold"));
    expect(await client.nextControl()).to.deep.equal({ c: "beat" });
    Recorder.hold.open();
    let frame = await client.nextControl();
    while (frame.c === "beat") frame = await client.nextControl();
    expect(frame).to.deep.equal({ c: "ack", n: 1 });
  });

  it("ignores a control frame that it does not know", async () => {
    const { client } = await begin();
    for (const c of ["later", "", "__proto__", "toString", "hello", "gone", "renew", "since"])
      client.forge({ c });
    client.send("echo one");
    expect(await client.next()).to.equal("one");
    expect(await client.nextControl()).to.deep.equal({ c: "ack", n: 1 });
  });

  for (const text of ["", "{", "null", "[]", '"bye"', "{}", '{"c":1}', '{"c":null}', " hello"]) {
    it(`ends with 1002 when a control frame is malformed: ${JSON.stringify(text)}`, async () => {
      const { client, resume, runtime, sessions } = await begin();
      client.send(mark + text);
      expect(await client.rest()).to.deep.equal([1002]);
      await until(() => runtime.size === 0);
      expect(Recorder.log.at(-1)).to.deep.equal(["disconnect", 1002, "client"]);
      expect(sessions.size).to.equal(0);
      expect(await (await resume(1, 0)).rest()).to.deep.include(3993);
    });
  }

  it("drops acknowledged frames from the log", async () => {
    const { client, sessions } = await begin();
    for (const text of ["one", "two", "three"]) Recorder.current.send(text);
    await client.take(3);
    const full = sessions.frames.bytes;
    client.control({ c: "ack", n: 2 });
    await until(() => sessions.frames.bytes < full);
    client.control({ c: "ack", n: 2 });
    client.control({ c: "ack", n: 3 });
    await until(() => sessions.frames.bytes === 0);
  });

  for (const n of [0, -1, 4, 2.5, 1e21, "3", null, {}]) {
    it(`ends with 1002 when the client acknowledges ${JSON.stringify(n)} of 3 frames, 1 before`, async () => {
      const { client, runtime, sessions } = await begin();
      for (const text of ["one", "two", "three"]) Recorder.current.send(text);
      client.control({ c: "ack", n: 1 });
      client.forge({ c: "ack", n });
      expect(await client.closed).to.deep.equal({ code: 1002, reason: "Impossible counts" });
      await until(() => runtime.size === 0);
      expect([sessions.size, sessions.frames.bytes]).to.deep.equal([0, 0]);
    });
  }

  it("pauses a client with a full mailbox, on each of its sockets", async () => {
    const { client, cut, resume, clock, url } = await begin({ frameHighWaterMark: 5 });
    client.send("hold");
    for (let n = 1; n <= 8; n += 1) client.send(`echo ${n}`);
    client.control({ c: "beat" });
    expect(await client.nextControl()).to.deep.equal({ c: "beat" });
    await cut();
    const again = await resume(1, 0);
    expect(await again.nextControl()).to.deep.equal({ c: "resumed", received: 9, done: 0, from: 1 });
    again.control({ c: "beat" });
    const bystander = await SessionClient.open(url);
    await bystander.nextControl();
    bystander.send("echo mine");
    expect(await bystander.next()).to.equal("mine");
    // The socket is paused, so the heartbeat does not expect a sign of life.
    clock.increment(60_000);
    expect(again.received()).to.equal(undefined);
    Recorder.hold.open();
    const echoes: string[] = [];
    // The number of control frames between the echoes depends on the time that these take.
    while (echoes.at(-1) !== "8") {
      const frame = String(await again.next());
      if (!frame.startsWith(mark)) echoes.push(frame);
    }
    expect(echoes).to.deep.equal([..."12345678"]);
  });
});
