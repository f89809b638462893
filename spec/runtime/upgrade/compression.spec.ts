import { constants, deflateRawSync } from "node:zlib";
import { expect } from "chai";
import {
  type CompressionOptions,
  createRuntime,
  InvalidOptionError,
  type RuntimeOptions,
  WebSocketConsumer,
} from "greenroom";
import { Client } from "../../support/client.ts";
import { destroyRawWebSockets, Opcode, RawWebSocket, type WireFrame } from "../../support/raw-websocket.ts";
import { serve, stopServing } from "../../support/serving.ts";
import { textOf } from "../support/frame-cases.ts";
import { Ticks } from "../support/ticks.ts";

const headers = { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" };

/** Compresses a message like a client: RFC 7692, section 7.2.1. */
const deflate = (bytes: Uint8Array | string) =>
  deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

class Echo extends WebSocketConsumer {
  override receive(text: string) {
    this.send(text);
  }
}

// spec/interop runs all cases of frames with all clients and compression.
describe("Compression", () => {
  afterEach(async () => {
    await destroyRawWebSockets();
    await stopServing();
  });

  async function start(options: RuntimeOptions<Record<never, never>> = {}) {
    const serving = await serve({ layers: {}, ...options });
    serving.runtime.route("/ws", Echo);
    return { ...serving, url: `${serving.url}/ws` };
  }

  /** Returns the code of the close frame that a client receives, and checks that the server continues. */
  async function closeCode(url: string, speak: (client: RawWebSocket) => void): Promise<number | undefined> {
    const bystander = await Client.open(url);
    const client = await RawWebSocket.open(url, headers);
    speak(client);
    const frame = await client.next();
    await client.destroy();
    bystander.send("still here");
    expect(await bystander.next()).to.equal("still here");
    await bystander.close();
    return frame?.opcode === Opcode.close ? frame.payload.readUInt16BE() : undefined;
  }

  it("is off unless the server enables it and the client offers it", async () => {
    const [off, on] = [await start(), await start({ compression: true })];
    const ignored = await RawWebSocket.open(off.url, headers);
    const silent = await RawWebSocket.open(on.url);
    const both = await RawWebSocket.open(on.url, headers);
    expect([ignored, silent, both].map(({ extensions }) => extensions)).to.deep.equal([
      "",
      "",
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    ]);
    for (const client of [ignored, silent, both]) {
      client.send(Opcode.text, textOf(5_000));
      const frame = await client.next();
      expect(frame?.compressed).to.equal(client === both);
      expect(String(frame?.payload)).to.equal(textOf(5_000));
    }
  });

  it("compresses messages of 1 KiB or more, each by itself", async () => {
    const { url } = await start({ compression: true });
    const client = await RawWebSocket.open(url, headers);
    const texts = [1_023, 1_024, 0, 60_000, 1, 1_024].map(textOf);
    for (const text of texts) client.send(Opcode.text, text);
    const wireLengths: number[] = [];
    for (const text of texts) {
      const frame = (await client.next()) as WireFrame;
      expect(frame.compressed).to.equal(text.length >= 1_024);
      expect(String(frame.payload)).to.equal(text);
      wireLengths.push(frame.wireLength);
    }
    expect(wireLengths[1]).to.be.below(512);
    expect(wireLengths[5]).to.equal(wireLengths[1]);
  });

  it("respects the options for context takeover, level, threshold and window bits", async () => {
    const { url } = await start({
      compression: {
        serverNoContextTakeover: false,
        clientNoContextTakeover: false,
        level: 9,
      },
    });
    const client = await Client.open(url);
    expect(client.websocket.extensions).to.equal("permessage-deflate");
    const lengths: number[] = [];
    const { _socket: socket } = client.websocket as unknown as { _socket: { bytesRead: number } };
    for (let count = 0; count < 2; count += 1) {
      const before = socket.bytesRead;
      client.send(textOf(5_000));
      expect(await client.next()).to.equal(textOf(5_000));
      lengths.push(socket.bytesRead - before);
    }
    expect(lengths[1]).to.be.below((lengths[0] ?? 0) / 10);
    // A client that refuses context takeover is still accepted.
    const shy = { "Sec-WebSocket-Extensions": "permessage-deflate; server_no_context_takeover" };
    const { extensions } = await RawWebSocket.open(url, shy);
    expect(extensions).to.equal("permessage-deflate; server_no_context_takeover");
    const wireLengths: number[] = [];
    for (const level of [1, 9]) {
      const { url: at } = await start({ compression: { level } });
      const quickOrSmall = await RawWebSocket.open(at, headers);
      quickOrSmall.send(Opcode.text, textOf(60_000));
      wireLengths.push((await quickOrSmall.next())?.wireLength ?? 0);
    }
    expect(new Set(wireLengths).size).to.equal(2);
    const small = await start({ compression: { threshold: 10, serverMaxWindowBits: 10 } });
    const raw = await RawWebSocket.open(small.url, headers);
    expect(raw.extensions).to.contain("server_max_window_bits=10");
    raw.send(Opcode.text, textOf(10));
    expect((await raw.next())?.compressed).to.equal(true);
  });

  it("accepts a compressed message in fragments, with a ping in between", async () => {
    const { url } = await start({ compression: true });
    const client = await RawWebSocket.open(url, headers);
    const bytes = deflate(textOf(1_000));
    client.send(Opcode.text, bytes.subarray(0, 100), { fin: false, rsv1: true });
    client.send(Opcode.ping, "are you there?");
    client.send(Opcode.continuation, bytes.subarray(100));
    expect(await client.next()).to.deep.include({
      opcode: Opcode.pong,
      payload: Buffer.from("are you there?"),
    });
    expect(String((await client.next())?.payload)).to.equal(textOf(1_000));
  });

  it("keeps the order of frames, pings and the close", async () => {
    const pingIntervalMs = 3_200;
    const clock = new Ticks();
    const consumers: Echo[] = [];
    class Known extends Echo {
      override connect() {
        consumers.push(this);
      }
    }
    const { url, runtime } = await serve({ layers: {}, compression: true, clock, pingIntervalMs });
    runtime.route("/ws", Known);
    const client = await RawWebSocket.open(`${url}/ws`, headers);
    const texts = [300_000, 5, 2_000, 0, 100_000].map(textOf);
    for (const text of texts) consumers[0]?.send(text);
    await clock.intervals(1, pingIntervalMs);
    for (const text of texts) consumers[0]?.send(text);
    consumers[0]?.close(4000, "enough");
    consumers[0]?.send("too late");
    const received: string[] = [];
    for (;;) {
      const { opcode, payload } = (await client.next()) as WireFrame;
      received.push(opcode === Opcode.text ? payload.toString() : `(${opcode})${payload.toString("latin1")}`);
      if (opcode === Opcode.close) break;
    }
    client.send(Opcode.close, "\u000f\u00a0");
    // The ping may arrive between the fragments of the first text.
    expect(received.splice(received.indexOf("(9)"), 1)).to.deep.equal(["(9)"]);
    expect(received.map(({ length }) => length)).to.deep.equal(
      [...texts, ...texts, "(8)..enough"].map(({ length }) => length),
    );
    expect(received).to.deep.equal([...texts, ...texts, "(8)\u000f\u00a0enough"]);
    expect(await client.rest()).to.deep.equal([]);
  });

  it("closes with 1009 if an inflated message exceeds maxPayload", async () => {
    const { url, runtime } = await start({ compression: true });
    const bomb = deflate(new Uint8Array(8 * 2 ** 20));
    expect(bomb.length).to.be.below(65_536);
    const whole = await closeCode(url, (client) => client.send(Opcode.text, bomb, { rsv1: true }));
    const inPieces = await closeCode(url, (client) => {
      client.send(Opcode.text, bomb.subarray(0, 1_000), { rsv1: true, fin: false });
      client.send(Opcode.continuation, bomb.subarray(1_000, 2_000), { fin: false });
      client.send(Opcode.continuation, bomb.subarray(2_000));
    });
    expect([whole, inPieces]).to.deep.equal([1009, 1009]);
    while (runtime.size > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it("closes if compression was not negotiated, is not allowed in the frame, or is malformed", async () => {
    const [off, on] = [await start(), await start({ compression: true })];
    const bytes = deflate("hello");
    const codes = [
      await closeCode(off.url, (client) => client.send(Opcode.text, bytes, { rsv1: true })),
      await closeCode(on.url, (client) => client.send(Opcode.ping, bytes, { rsv1: true })),
      await closeCode(on.url, (client) => {
        client.send(Opcode.text, bytes, { rsv1: true, fin: false });
        client.send(Opcode.continuation, bytes, { rsv1: true });
      }),
      await closeCode(on.url, (client) => client.send(Opcode.text, "no deflate", { rsv1: true })),
    ];
    expect(codes).to.deep.equal([1002, 1002, 1002, 1007]);
  });

  it("refuses a malformed offer with 400, and creates no actor", async () => {
    const { url, runtime } = await start({ compression: true });
    const malformed = { "Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=99" };
    const { answer } = await RawWebSocket.open(url, malformed);
    expect(answer).to.match(/^HTTP\/1.1 400 /);
    expect([runtime.size, runtime.counters().refused]).to.deep.equal([0, 1]);
  });

  it("refuses unknown options, and values out of range", () => {
    const wrong: [options: unknown, message: RegExp][] = [
      [{ threshold: -1 }, /^`compression.threshold` must be an integer from 0 to 2147483647, not -1/],
      [{ level: 0 }, /^`compression.level` must be an integer from 1 to 9, not 0/],
      [{ level: 9.5 }, /^`compression.level` must .* not 9.5/],
      [
        { serverMaxWindowBits: 8 },
        /^`compression.serverMaxWindowBits` must be an integer from 9 to 15, not 8/,
      ],
      [{ concurrencyLimit: Number.NaN }, /^`compression.concurrencyLimit` must .* not NaN/],
      [{ serverNoContextTakeover: 1 }, /^`compression.serverNoContextTakeover` must be true or false, not 1/],
      [{ maxPayload: 1 }, /^There is no option "maxPayload" of `compression`. Options: threshold, /],
      [{ constructor: 1 }, /^There is no option "constructor"/],
      ["yes", /^`compression` must be true, false or an object of options, not "yes"/],
      [null, /^`compression` must .* not null/],
    ];
    for (const [compression, message] of wrong) {
      const make = () => createRuntime({ compression: compression as CompressionOptions });
      expect(make, JSON.stringify(compression)).to.throw(InvalidOptionError, message);
    }
  });
});
