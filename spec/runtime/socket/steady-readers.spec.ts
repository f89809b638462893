import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { expect } from "chai";
import { type Layers, type OutboxOptions, type RuntimeOptions, WebSocketConsumer } from "greenroom";
import { SimulatedClock } from "xstate";
import { until } from "../../layers/support/until.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { encodeFrame, Opcode } from "../../support/raw-websocket.ts";
import { serve, stopServing } from "../../support/serving.ts";
import { SteadyReader } from "../support/steady-reader.ts";

const bytesPerSecond = 50_000;
const noLimit = 2 ** 31 - 1;
const deflate = { "Sec-WebSocket-Extensions": "permessage-deflate" };

// The operating system has megabytes of buffers on both sides. It accepts no more bytes from the server until
// a third of its buffer is free again. So for many seconds, only the answers to pings show that a client reads.
describe("A client that reads slowly, but steadily", () => {
  const clock = new SimulatedClock();
  let reader: SteadyReader | undefined;
  afterEach(async () => {
    reader?.socket.destroy();
    await stopServing();
  });

  async function start(outbox: OutboxOptions, options: Partial<RuntimeOptions<Layers>> = {}) {
    const consumers: WebSocketConsumer[] = [];
    const sockets: Socket[] = [];
    class Sender extends WebSocketConsumer {
      static override readonly outbox = outbox;
      override connect() {
        consumers.push(this);
      }
    }
    const serving = await serve({ layers: {}, clock, ...options });
    serving.server.on("connection", (socket) => sockets.push(socket));
    serving.runtime.route("/ws", Sender);
    reader = await SteadyReader.open(`${serving.url}/ws`, deflate);
    await until(() => consumers.length === 1);
    const [sender, socket] = [consumers[0] as WebSocketConsumer, sockets[0] as Socket];
    const client = reader;

    /** One second of the simulated time. */
    async function second(): Promise<void> {
      clock.increment(1_000);
      await nextTurn();
      await nextTurn();
    }

    /** Reads for `seconds`. The server has read the answers of each second before the next one. */
    async function readFor(seconds: number, act = () => {}): Promise<void> {
      const before = socket.bytesRead - client.answeredBytes;
      for (let time = 0; time < seconds; time += 1) {
        await client.read(bytesPerSecond);
        await until(() => socket.bytesRead === before + client.answeredBytes);
        act();
        await second();
        if (sender.signal.aborted) throw new Error(`The client was cut after ${time + 1} s.`);
      }
    }

    return { ...serving, sender, second, readFor, client };
  }

  for (const [how, frame, compression] of [
    ["a large message", Buffer.alloc(16 * 2 ** 20), false],
    ["a large message with compression", randomBytes(16 * 2 ** 20), { level: 1, threshold: 0 }],
  ] as const) {
    it(`stays connected while it reads ${how}, and is cut when it stops`, async () => {
      const { sender, second, readFor, runtime } = await start({}, { compression });
      sender.send(frame);
      await until(() => sender.waitingBytes > 0);
      await readFor(80);
      expect(sender.waitingBytes).to.be.above(0);
      let seconds = 0;
      for (; !sender.signal.aborted; seconds += 1) await second();
      // The client's last answer may be 3 s old, and the operating system may still take some bytes.
      expect(seconds).to.be.within(7, 40);
      expect(runtime.size).to.equal(1);
    });

    it(`answers the heartbeat while it reads ${how}`, async () => {
      const { sender, readFor } = await start({ maxLagMs: noLimit }, { compression });
      sender.send(frame);
      await readFor(100);
    });
  }

  it("answers the heartbeat while it reads small frames, some of which are dropped", async () => {
    const { sender, readFor, runtime } = await start({ overflow: "drop-oldest", maxLagBytes: 65_536 });
    const frame = "x".repeat(10_000);
    while (runtime.counters().dropped.slow < 10) {
      sender.send(frame);
      await nextTurn();
    }
    // Sends as much as the client reads, so that the client always finds bytes.
    await readFor(100, () => {
      for (let sent = 0; sent < bytesPerSecond; sent += frame.length) sender.send(frame);
    });
  });

  it("is cut if it sends pongs, but reads nothing", async () => {
    const { sender, second, client } = await start({});
    sender.send(Buffer.alloc(16 * 2 ** 20));
    await nextTurn();
    let seconds = 0;
    for (; !sender.signal.aborted; seconds += 1) {
      client.socket.write(encodeFrame(Opcode.pong));
      client.socket.write(encodeFrame(Opcode.pong, Buffer.from([0xff, 0, 0, seconds])));
      client.socket.write(encodeFrame(Opcode.text, "I am here"));
      await second();
    }
    expect(seconds).to.be.within(10, 40);
  });
});
