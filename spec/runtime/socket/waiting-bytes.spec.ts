import { expect } from "chai";
import { type OutboxOptions, WebSocketConsumer } from "greenroom";
import { until } from "../../layers/support/until.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { destroyRawWebSockets, Opcode, RawWebSocket } from "../../support/raw-websocket.ts";
import { serve, stopServing } from "../../support/serving.ts";
import { sessionsOf } from "../support/session-rig.ts";

const megabyte = 1_000_000;
/** Frames of a turn. A frame is not fragmented, so the close frame of a client that is cut follows a whole message. */
const frames = Array.from({ length: 16 }, () => Buffer.alloc(60_000));
const noRoom = "3008 The server has no room for more waiting data";

describe("maxWaitingBytes", () => {
  afterEach(async () => {
    await destroyRawWebSockets();
    await stopServing();
  });

  async function start(outbox: OutboxOptions = {}) {
    const consumers: Talker[] = [];
    class Talker extends WebSocketConsumer {
      static override readonly outbox = outbox;
      override connect() {
        consumers.push(this);
      }
      override receive(text: string) {
        this.send(text);
      }
    }
    const serving = await serve({
      layers: {},
      maxWaitingBytes: 20 * megabyte,
      maxLagBytes: 100 * megabyte,
      closeTimeoutMs: 60_000,
    });
    serving.runtime.route("/ws", Talker);

    const counters = () => serving.runtime.counters();
    /** Opens a client that does not read, and sends to it until `bytes` wait for it, or until it is cut. */
    async function stalled(bytes: number, headers = {}) {
      const client = await RawWebSocket.open(`${serving.url}/ws`, headers);
      client.socket.pause();
      const consumer = consumers.at(-1) as Talker;
      const { limited } = counters();
      let sent = 0;
      while (
        consumer.waitingBytes < bytes &&
        counters().limited.maxWaitingBytes === limited.maxWaitingBytes
      ) {
        for (const frame of frames) consumer.send(frame);
        sent += frames.length;
        await nextTurn();
        await nextTurn();
      }
      return { client, consumer, sent };
    }
    return { ...serving, stalled, counters };
  }

  /** Reads all frames. @returns the number of the application's frames, and the close frame. */
  async function rest(client: RawWebSocket): Promise<{ binary: number; close: string }> {
    client.socket.resume();
    let binary = 0;
    for (let frame = await client.next(); frame !== undefined; frame = await client.next()) {
      const { opcode, payload } = frame;
      if (opcode === Opcode.binary) binary += 1;
      if (opcode === Opcode.close) {
        await client.destroy();
        return { binary, close: `${payload.readUInt16BE()} ${payload.subarray(2)}` };
      }
    }
    return { binary, close: "none" };
  }

  for (const overflow of ["close", "drop-oldest"] as const) {
    it(`closes the connection with the most waiting bytes with 3008, with the policy ${overflow}`, async () => {
      const { stalled, counters, runtime } = await start({ overflow });
      const most = await stalled(12 * megabyte);
      const less = await stalled(5 * megabyte);
      expect(counters().limited.maxWaitingBytes).to.equal(0);
      const next = await stalled(8 * megabyte);
      expect(counters().limited.maxWaitingBytes).to.equal(1);
      const { dropped } = counters();
      const read = await rest(most.client);
      expect(read).to.deep.equal({ binary: most.sent - dropped.slow, close: noRoom });
      for (const { client, consumer, sent } of [less, next]) {
        consumer.close();
        expect(await rest(client)).to.deep.equal({ binary: sent, close: "1000 " });
      }
      await until(() => runtime.size === 0);
    });
  }

  it("lets the actor of a session go on, whose client can come back", async () => {
    const { stalled, counters, runtime } = await start();
    const sessions = sessionsOf({ runtime } as never);
    const most = await stalled(12 * megabyte, { "Sec-WebSocket-Protocol": "greenroom.v1" });
    await stalled(9 * megabyte);
    expect(counters().limited.maxWaitingBytes).to.equal(1);
    expect([sessions.awayCount, runtime.size]).to.deep.equal([1, 2]);
    expect((await rest(most.client)).close).to.equal(noRoom);
    // The session keeps the frames for the client, so they are not lost with the socket.
    expect(counters().dropped.slow).to.equal(0);
  });

  it("cuts connections that do not close while the bytes are still too many", async () => {
    const { stalled, counters, runtime } = await start();
    const closing = await stalled(15 * megabyte);
    closing.consumer.close();
    await stalled(6 * megabyte);
    await until(() => runtime.size === 1);
    expect(counters().limited.maxWaitingBytes).to.equal(0);
  });

  it("does not count bytes any more that were read, or whose connection has ended", async () => {
    const { stalled, counters, runtime } = await start();
    const first = await stalled(15 * megabyte);
    first.client.socket.resume();
    while (first.sent > 0) {
      await first.client.next();
      first.sent -= 1;
    }
    await until(() => first.consumer.waitingBytes === 0);
    const second = await stalled(15 * megabyte);
    await second.client.destroy();
    await until(() => runtime.size === 1);
    await stalled(15 * megabyte);
    expect(counters().limited.maxWaitingBytes).to.equal(0);
  });
});
