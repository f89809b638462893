import type { Socket } from "node:net";
import { expect } from "chai";
import { type RuntimeOptions, WebSocketConsumer } from "greenroom";
import { SimulatedClock } from "xstate";
import { until } from "../../layers/support/until.ts";
import { gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { destroyRawWebSockets, encodeFrame, Opcode, RawWebSocket } from "../../support/raw-websocket.ts";
import { serve, stopServing } from "../../support/serving.ts";

const megabyte = 2 ** 20;

describe("A message that arrives in parts", () => {
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
    working = gate(),
    headers = {},
  ) {
    const sockets: Socket[] = [];
    const codes: number[] = [];
    class Measure extends WebSocketConsumer {
      override async receive(text: string) {
        if (text === "work") await working.opened;
        this.send(`${text.length}`);
      }
      override disconnect(code: number) {
        codes.push(code);
      }
    }
    const serving = await serve({ layers: {}, clock, pingIntervalMs: 2 ** 31 - 1, ...options });
    serving.server.on("connection", (socket) => sockets.push(socket));
    serving.runtime.route("/ws", Measure);
    const client = await RawWebSocket.open(`${serving.url}/ws`, headers);
    const socket = sockets[0] as Socket;

    /** Sends bytes, and waits until the server has read them. */
    async function send(bytes: Uint8Array): Promise<void> {
      const read = socket.bytesRead + bytes.length;
      client.socket.write(bytes);
      await until(() => socket.bytesRead >= read);
      await nextTurn();
    }
    async function seconds(count: number): Promise<void> {
      for (let time = 0; time < count; time += 1) {
        clock.increment(1_000);
        await nextTurn();
      }
    }
    /** The code and the reason of the close frame. */
    async function closeFrame(): Promise<string> {
      let frame = await client.next();
      // A session begins and ends with a control frame.
      while (frame?.opcode === Opcode.text) frame = await client.next();
      const { opcode, payload } = frame ?? { opcode: -1, payload: Buffer.alloc(2) };
      expect(opcode).to.equal(Opcode.close);
      return `${payload.readUInt16BE()} ${payload.subarray(2)}`;
    }
    return { ...serving, client, codes, send, seconds, closeFrame };
  }

  const text = (length: number) => encodeFrame(Opcode.text, "x".repeat(length));
  const opening = encodeFrame(Opcode.text, "x", { fin: false });
  const fragment = encodeFrame(Opcode.continuation, "x", { fin: false });
  const last = encodeFrame(Opcode.continuation, "x");
  const timeout = "1008 A message took too long to arrive";

  for (const [how, bytes] of [
    ["a fragment", opening],
    ["a part of a frame's payload", text(1_000).subarray(0, 500)],
    ["a frame's header alone", text(1_000).subarray(0, 8)],
    ["a part of a header", text(1_000).subarray(0, 1)],
  ] as const) {
    it(`closes the connection with 1008 if nothing follows ${how} for 30 s`, async () => {
      const { send, seconds, closeFrame, client, runtime, codes } = await start();
      await send(bytes);
      await seconds(29);
      expect(runtime.counters().dropped.unfinished).to.equal(0);
      await seconds(2);
      expect(await closeFrame()).to.equal(timeout);
      expect(runtime.counters().dropped.unfinished).to.equal(1);
      await client.destroy();
      await until(() => runtime.size === 0);
      expect(codes).to.deep.equal([1008]);
    });
  }

  it("is not kept alive by pings, or by single bytes", async () => {
    const { send, seconds, closeFrame } = await start();
    await send(text(60_000).subarray(0, 100));
    for (let time = 0; time < 29; time += 1) {
      await send(Buffer.from([time]));
      await seconds(1);
    }
    await seconds(2);
    expect(await closeFrame()).to.equal(timeout);

    const other = await start();
    await other.send(opening);
    for (let time = 0; time < 29; time += 1) {
      await other.send(encodeFrame(Opcode.pong, "here"));
      await other.seconds(1);
    }
    await other.seconds(2);
    expect(await other.closeFrame()).to.equal(timeout);
  });

  for (const [what, headers] of [
    ["a client without a session", {}],
    ["a client with a session", { "Sec-WebSocket-Protocol": "greenroom.v1" }],
    ["a client that resumes a session", { "Sec-WebSocket-Protocol": "greenroom.v1, greenroom.resume" }],
  ] as const) {
    it(`is not kept alive by a byte every 5 s between many pings, of ${what}`, async () => {
      // The deadline of the upgrade would end a client that does not say which session it resumes.
      const { send, seconds, closeFrame } = await start({ connectTimeoutMs: 1_000_000 }, gate(), headers);
      const pongs = Buffer.concat(
        Array.from({ length: 200 }, () => encodeFrame(Opcode.pong, Buffer.alloc(125))),
      );
      await send(opening);
      for (let time = 0; time < 29; time += 5) {
        await send(Buffer.concat([pongs, fragment]));
        await seconds(5);
      }
      await seconds(1);
      expect(await closeFrame()).to.equal(timeout);
    });
  }

  it("may take long: 16 MiB arrive at 16 KiB in 29 s", async () => {
    const { send, seconds, client, runtime } = await start({ maxPayload: 16 * megabyte });
    const bytes = text(16 * megabyte);
    const step = 16 * 1_024;
    for (let sent = 0; sent < bytes.length; sent += step) {
      await send(bytes.subarray(sent, sent + step));
      await seconds(29);
    }
    expect(String((await client.next())?.payload)).to.equal(`${16 * megabyte}`);
    expect([runtime.size, runtime.counters().dropped.unfinished]).to.deep.equal([1, 0]);
  });

  it("has a new deadline after each finished message, and none while no message is unfinished", async () => {
    const { send, seconds, client, runtime } = await start();
    for (let round = 0; round < 3; round += 1) {
      await send(opening);
      await seconds(20);
      await send(last);
      expect(String((await client.next())?.payload)).to.equal("2");
      await seconds(round === 2 ? 100 : 2);
    }
    expect(runtime.size).to.equal(1);
  });

  it("has a new deadline if the client begins it in the same read in which it finishes another one", async () => {
    const { send, seconds, client, closeFrame, runtime } = await start();
    const [head, tail] = [text(350).subarray(0, 175), text(350).subarray(175)];
    await send(head);
    for (let time = 0; time < 40; time += 1) {
      await send(Buffer.concat([tail, head]));
      expect(String((await client.next())?.payload)).to.equal("350");
      await seconds(1);
    }
    await seconds(28);
    expect(runtime.counters().dropped.unfinished).to.equal(0);
    await seconds(3);
    expect(await closeFrame()).to.equal(timeout);
  });

  it("has no deadline while the runtime does not read the client", async () => {
    const working = gate();
    const { send, seconds, client, runtime } = await start({ frameHighWaterMark: 1 }, working);
    await send(Buffer.concat([encodeFrame(Opcode.text, "work"), text(5), text(5), opening]));
    await seconds(100);
    expect(runtime.size).to.equal(1);
    working.open();
    client.socket.write(last);
    const answers = [await client.next(), await client.next(), await client.next(), await client.next()];
    expect(answers.map((answer) => String(answer?.payload))).to.deep.equal(["4", "5", "5", "2"]);
  });

  it("has a limit of fragments: 128 are accepted, and one more closes the connection with 1008", async () => {
    const fragments = (count: number) =>
      Buffer.concat([opening, ...Array.from({ length: count - 2 }, () => fragment), last]);
    const { client, runtime, closeFrame } = await start();
    client.socket.write(fragments(128));
    expect(String((await client.next())?.payload)).to.equal("128");
    client.socket.write(fragments(129));
    expect(await closeFrame()).to.equal("1008 ");
    expect(runtime.counters().dropped.unfinished).to.equal(1);

    const more = await start({ maxFragments: 200 });
    more.client.socket.write(fragments(200));
    expect(String((await more.client.next())?.payload)).to.equal("200");
    const large = await start({ maxPayload: megabyte });
    large.client.socket.write(fragments(1_024));
    expect(String((await large.client.next())?.payload)).to.equal("1024");
  });

  it("has a limit of reads: a frame that arrives in single bytes closes the connection with 1008", async () => {
    const { client, send, closeFrame, runtime } = await start();
    const bytes = text(2_000);
    for (let sent = 0; sent < 1_100 && runtime.counters().dropped.unfinished === 0; sent += 1) {
      await send(bytes.subarray(sent, sent + 1));
    }
    expect(await closeFrame()).to.equal("1008 ");
    await client.destroy();
  });
});
