import { once } from "node:events";
import type { Socket } from "node:net";
import { expect } from "chai";
import { WebSocketConsumer } from "greenroom";
import { until } from "../../layers/support/until.ts";
import { destroyRawWebSockets, encodeFrame, Opcode, RawWebSocket } from "../../support/raw-websocket.ts";
import { serve, stopServing } from "../../support/serving.ts";

describe("A client that sends many pings", () => {
  afterEach(async () => {
    await destroyRawWebSockets();
    await stopServing();
  });

  async function start() {
    const consumers: WebSocketConsumer[] = [];
    const received: string[] = [];
    class Receiver extends WebSocketConsumer {
      override connect() {
        consumers.push(this);
      }
      override receive(text: string) {
        received.push(text);
      }
    }
    const serving = await serve({ layers: {}, maxLagMs: 2 ** 31 - 1, maxLagBytes: 2 ** 30 });
    serving.runtime.route("/ws", Receiver);
    const connected = once(serving.server, "connection") as Promise<[Socket]>;
    const client = await RawWebSocket.open(`${serving.url}/ws`);
    await until(() => consumers.length === 1);
    return {
      ...serving,
      client,
      socket: (await connected)[0],
      consumer: consumers[0] as WebSocketConsumer,
      received,
    };
  }

  /** Pings whose payloads are numbers of five digits. */
  const pings = (first: number, count: number) =>
    Buffer.concat(Array.from({ length: count }, (_, n) => encodeFrame(Opcode.ping, numberOf(first + n))));
  const numberOf = (n: number) => `${n}`.padStart(5, "0");

  /** The numbers of the pongs up to `last`. Skips other frames. */
  async function pongsUpTo(client: RawWebSocket, last: number): Promise<number[]> {
    const numbers: number[] = [];
    while (numbers.at(-1) !== last) {
      const frame = await client.next();
      if (frame === undefined) throw new Error("The server ended the connection.");
      if (frame.opcode === Opcode.pong) numbers.push(Number(frame.payload));
    }
    return numbers;
  }

  it("gets an answer to each of 60 pings in one write, in order", async () => {
    const { client } = await start();
    client.socket.write(pings(0, 60));
    expect(await pongsUpTo(client, 59)).to.deep.equal(Array.from({ length: 60 }, (_, n) => n));
  });

  it("stays connected if more pings arrive at once, and gets an answer to the newest one", async () => {
    const { client, runtime } = await start();
    client.socket.write(pings(0, 5_000));
    const answered = await pongsUpTo(client, 4_999);
    expect(answered).to.deep.equal([...new Set(answered)].sort((a, b) => a - b));
    client.socket.write(pings(5_000, 1));
    expect(await pongsUpTo(client, 5_000)).to.deep.equal([5_000]);
    expect(runtime.size).to.equal(1);
  });

  it("stays connected while it does not read, and few answers wait for it", async () => {
    const { client, socket, consumer, runtime, received } = await start();
    client.socket.pause();
    consumer.send(Buffer.alloc(32 * 2 ** 20));
    // The frame has left the outbox, and waits in the socket.
    await until(() => socket.writableLength > 0);
    const waiting = consumer.waitingBytes;
    client.socket.write(pings(0, 5_000));
    // Frames are handled in order, so all pings were handled when this text is received.
    client.send(Opcode.text, "after the pings");
    await until(() => received.length === 1);
    expect(consumer.waitingBytes - waiting).to.be.at.most(60 * (2 + 5));
    client.socket.resume();
    const answered = await pongsUpTo(client, 4_999);
    expect(answered.slice(0, 60)).to.deep.equal(Array.from({ length: 60 }, (_, n) => n));
    expect([answered.length, runtime.size]).to.deep.equal([61, 1]);
  });

  it("gets no answer to a ping after the server's close frame", async () => {
    const { client, consumer } = await start();
    consumer.close(4000, "bye");
    expect((await client.next())?.opcode).to.equal(Opcode.close);
    client.socket.write(pings(0, 100));
    client.send(Opcode.close, Buffer.from([0x0f, 0xa0]));
    expect(await client.rest()).to.deep.equal([]);
  });
});
