import { expect } from "chai";
import { type ConnectionLimits, type RuntimeOptions, WebSocketConsumer } from "greenroom";
import { connect } from "greenroom/client";
import { contract } from "greenroom/contract";
import { WebSocket } from "ws";
import { SimulatedClock } from "xstate";
import * as z from "zod";
import { controlText } from "../../protocol/control-frames.ts";
import { until } from "../layers/support/until.ts";
import { Client } from "../support/client.ts";
import { gate } from "../support/gate.ts";
import { nextTurn } from "../support/next-turn.ts";
import { destroyRawWebSockets, encodeFrame, Opcode, RawWebSocket } from "../support/raw-websocket.ts";
import { serve, stopServing } from "../support/serving.ts";

const limits = { maxFramesPerSecond: 10, maxFrameBurst: 50, maxBytesPerSecond: 100, maxByteBurst: 20_000 };
const opening = encodeFrame(Opcode.text, "", { fin: false });
const repeat = (count: number, frame: Buffer) => Buffer.concat(Array.from({ length: count }, () => frame));

describe("A client that floods its connection", () => {
  let clock = new SimulatedClock();
  beforeEach(() => {
    clock = new SimulatedClock();
  });
  afterEach(async () => {
    await destroyRawWebSockets();
    await stopServing();
  });

  async function start(
    options: Partial<RuntimeOptions<Record<never, never>>> = {},
    own: ConnectionLimits = {},
    working = gate(),
  ) {
    const heard: string[] = [];
    class Echo extends WebSocketConsumer {
      static override readonly limits = own;
      override receive(text: string): void | Promise<void> {
        heard.push(text);
        if (text === "echo") this.send("echo");
        if (text === "wait") return working.opened;
      }
    }
    const serving = await serve({ layers: {}, clock, ...limits, ...options });
    serving.runtime.route("/ws", Echo);
    const url = `${serving.url}/ws`;
    const bystander = await Client.open(url);
    const check = async () => {
      bystander.send("echo");
      expect(await bystander.next()).to.equal("echo");
    };
    return { ...serving, url, heard, check, limited: () => serving.runtime.counters().limited };
  }

  /** The code and the reason of the close frame that follows other frames. */
  async function closeFrame(client: RawWebSocket): Promise<string> {
    for (;;) {
      const { opcode, payload } = (await client.next()) ?? {
        opcode: 0,
        payload: Buffer.from("no close frame"),
      };
      if (opcode === Opcode.text || opcode === Opcode.pong) continue;
      expect(opcode, `${payload}`).to.equal(Opcode.close);
      await client.destroy();
      return `${payload.readUInt16BE()} ${payload.subarray(2)}`;
    }
  }

  const clients = {
    "without a session": {},
    "with a session": { "Sec-WebSocket-Protocol": "greenroom.v1" },
    "that resumes a session": { "Sec-WebSocket-Protocol": "greenroom.v1, greenroom.resume" },
  };
  const floods = {
    frames: encodeFrame(Opcode.text, "x"),
    "empty frames": encodeFrame(Opcode.text),
    pings: encodeFrame(Opcode.ping),
    pongs: encodeFrame(Opcode.pong, Buffer.alloc(4)),
    "control frames of the protocol of sessions": encodeFrame(Opcode.text, controlText({ c: "beat" })),
    fragments: encodeFrame(Opcode.continuation, "x", { fin: false }),
    "empty fragments": encodeFrame(Opcode.continuation, "", { fin: false }),
  };

  for (const [how, headers] of Object.entries(clients)) {
    for (const [what, frame] of Object.entries(floods)) {
      // The first frame ends the wait for a session that is to be resumed.
      if (how.includes("resumes") && (what.includes("rames") || what === "frames")) continue;
      it(`is closed with 3490 after a burst of ${what}, ${how}`, async () => {
        const { url, runtime, limited, check } = await start();
        const client = await RawWebSocket.open(url, headers);
        const first = what.includes("fragments") ? opening : frame;
        client.socket.write(Buffer.concat([first, repeat(49, frame)]));
        await until(() => limited().maxFramesPerSecond === 0);
        await check();
        client.socket.write(frame);
        expect(await closeFrame(client)).to.equal("3490 Too many frames");
        await until(() => runtime.size === 1);
        expect(limited()).to.include({ maxFramesPerSecond: 1, maxBytesPerSecond: 0 });
        await check();
      });
    }

    it(`is closed with 3490 after a burst of bytes, with their headers, ${how}`, async () => {
      const { url, runtime, limited, check } = await start({ maxByteBurst: 2_000 });
      const client = await RawWebSocket.open(url, headers);
      // A message that is not complete.
      const bytes = encodeFrame(Opcode.text, "x".repeat(10_000)).subarray(0, 2_001);
      client.socket.write(bytes.subarray(0, 2_000));
      await check();
      expect(limited().maxBytesPerSecond).to.equal(0);
      client.socket.write(bytes.subarray(2_000));
      expect(await closeFrame(client)).to.equal("3490 Too many bytes");
      await until(() => runtime.size === 1);
      expect(limited()).to.include({ maxFramesPerSecond: 0, maxBytesPerSecond: 1 });
    });
  }

  it("loses no frame uncounted that precedes the one too many, and nothing behind it is handled", async () => {
    const { url, heard, runtime } = await start();
    const client = await RawWebSocket.open(url);
    const texts = Array.from({ length: 200 }, (_, n) => `${n}`);
    client.socket.write(Buffer.concat(texts.map((text) => encodeFrame(Opcode.text, text))));
    expect(await closeFrame(client)).to.equal("3490 Too many frames");
    expect(heard).to.deep.equal(texts.slice(0, heard.length));
    expect(heard.length).to.be.within(1, 50);
    const { dropped, limited } = runtime.counters();
    expect(limited.maxFramesPerSecond).to.equal(1);
    expect(heard.length + dropped.closing).to.be.at.least(50);
  });

  it("may send at the rate for any time", async () => {
    const { url, heard, limited } = await start();
    const client = await RawWebSocket.open(url);
    for (let second = 1; second <= 20; second += 1) {
      client.socket.write(repeat(10, encodeFrame(Opcode.text, "x")));
      await until(() => heard.length === second * 10);
      clock.increment(1_000);
    }
    client.socket.write(repeat(50, encodeFrame(Opcode.text, "x")));
    await until(() => heard.length === 250);
    expect(limited().maxFramesPerSecond).to.equal(0);
    client.socket.write(repeat(60, encodeFrame(Opcode.text, "x")));
    expect(await closeFrame(client)).to.equal("3490 Too many frames");
  });

  it("has the limits of its consumer class, if the class has its own", async () => {
    const { url, heard, limited } = await start({}, { frameBurst: 100, byteBurst: 1_000 });
    const client = await RawWebSocket.open(url);
    client.socket.write(repeat(100, encodeFrame(Opcode.text, "x")));
    await until(() => heard.length === 100);
    const large = await RawWebSocket.open(url);
    large.send(Opcode.text, "x".repeat(1_000));
    expect(await closeFrame(large)).to.equal("3490 Too many bytes");
    client.send(Opcode.text, "x");
    expect(await closeFrame(client)).to.equal("3490 Too many frames");
    expect(limited()).to.include({ maxFramesPerSecond: 1, maxBytesPerSecond: 1 });
  });

  it("is told so while a handler is pending", async () => {
    const working = gate();
    const { url, heard } = await start({}, {}, working);
    const client = await RawWebSocket.open(url);
    client.send(Opcode.text, "wait");
    await until(() => heard.length === 1);
    client.socket.write(repeat(60, encodeFrame(Opcode.ping)));
    expect(await closeFrame(client)).to.equal("3490 Too many frames");
    working.open();
  });

  it("counts bytes once that the runtime puts back and reads later", async () => {
    const working = gate();
    const { url, heard, limited } = await start({ frameHighWaterMark: 1 }, {}, working);
    const client = await RawWebSocket.open(url);
    // Of a read of 18 KB, the bytes behind the first frames wait until the handler is done.
    const rest = repeat(9, encodeFrame(Opcode.text, "x".repeat(2_000)));
    client.socket.write(Buffer.concat([encodeFrame(Opcode.text, "wait"), rest]));
    await until(() => heard.length === 1);
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    working.open();
    await until(() => heard.length === 10);
    expect(limited().maxBytesPerSecond).to.equal(0);
  });

  it("is not a client that answers the pings of the runtime", async () => {
    class Sender extends WebSocketConsumer {
      override receive() {
        this.send(new Uint8Array(8_000_000));
        this.send("done");
      }
    }
    const { url, runtime } = await start();
    runtime.route("/sender", Sender);
    const client = await RawWebSocket.open(url.replace("ws", "sender"));
    for (let round = 0; round < 3; round += 1) {
      client.send(Opcode.text, "more");
      expect((await client.next())?.payload.length).to.equal(8_000_000);
      expect(`${(await client.next())?.payload}`).to.equal("done");
    }
    expect(runtime.counters().limited.maxFramesPerSecond).to.equal(0);
    // The pongs that no ping has asked for count.
    client.socket.write(repeat(60, encodeFrame(Opcode.pong, Buffer.alloc(4))));
    expect(await closeFrame(client)).to.equal("3490 Too many frames");
  });

  it("does not come back with greenroom/client", async () => {
    const flood = contract({ path: "/ws", client: { x: z.object({}) }, server: {} });
    const { url, runtime } = await start();
    const client = connect(flood, { url: url.replace(/^http(.*)\/ws$/, "ws$1"), WebSocket });
    for (let sent = 0; sent < 60; sent += 1) client.send("x", {}).catch(() => {});
    await until(() => client.status.state === "closed");
    expect(client.status).to.include({ code: 3490, reason: "Too many frames" });
    await until(() => runtime.size === 1);
  });
});
