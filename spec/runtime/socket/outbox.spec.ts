import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { expect } from "chai";
import {
  handlers,
  JsonWebSocketConsumer,
  type Layers,
  type OutboxOptions,
  type RuntimeOptions,
  WebSocketConsumer,
} from "greenroom";
import { SimulatedClock } from "xstate";
import { Client } from "../../support/client.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";
import { onWrite } from "../support/on-write.ts";

/** Resolves when all earlier frames are flushed, at the end of this turn or the next turn. */
async function flushed(): Promise<void> {
  await nextTurn();
  await nextTurn();
}

describe("Outbox", () => {
  afterEach(stopServing);

  it("writes all frames of one turn at its end, in one write and in order", async () => {
    let socket: Socket | undefined;
    let writes = 0;
    const written: number[] = [];
    class Burst extends WebSocketConsumer {
      override receive() {
        for (let n = 0; n < 100; n++) this.send(`${n}`);
        written.push(writes);
      }
    }
    const { runtime, url, server } = await serve({ layers: {} });
    runtime.route("/ws", Burst);
    server.on("connection", (connection) => {
      socket = connection;
    });
    const client = await Client.open(`${url}/ws`);
    onWrite(socket as unknown as Socket, () => {
      writes += 1;
    });
    client.send("go");
    expect(await client.take(100)).to.deep.equal(Array.from({ length: 100 }, (_, n) => `${n}`));
    expect([...written, writes]).to.deep.equal([0, 1]);
  });

  it("counts frames that were not written before the client disconnected", async () => {
    class Talker extends WebSocketConsumer {
      override receive() {
        for (let n = 0; n < 3; n++) this.send(`${n}`);
        socket?.destroy();
      }
    }
    let socket: Socket | undefined;
    const { runtime, url, server } = await serve({ layers: {} });
    runtime.route("/ws", Talker);
    server.on("connection", (connection) => {
      socket = connection;
    });
    const client = await Client.open(`${url}/ws`);
    client.send("go");
    await once(client.websocket, "close");
    await runtime.close();
    expect(runtime.counters().dropped.closing).to.equal(3);
  });

  describe("in a room", () => {
    const { now } = performance;
    afterEach(() => {
      performance.now = now;
    });

    /** Records the chunks that each socket is given to write. */
    function noteWrites(sockets: readonly Socket[]): Buffer[][] {
      return sockets.map((socket) => {
        const written: Buffer[] = [];
        const { write } = socket;
        socket.write = (chunk: Buffer, ...rest: never[]) => {
          written.push(chunk);
          return write.call(socket, chunk, ...rest);
        };
        return written;
      });
    }

    class Member extends JsonWebSocketConsumer<{ messages: { note: { n: number; own?: boolean } } }> {
      static override readonly layer = "chat";
      static override readonly on = handlers<Member>({
        note(message) {
          if (message.own === true) this.sendJson({ own: this.channel });
          this.sendJson(message);
        },
      });
      override async connect() {
        await this.groupAdd("room");
      }
    }

    async function openRoom(size: number) {
      const serving = await serve({ layers: chat() });
      serving.runtime.route("/ws", Member);
      const sockets: Socket[] = [];
      serving.server.on("connection", (socket) => sockets.push(socket));
      const clients: Client[] = [];
      while (clients.length < size) clients.push(await Client.open(`${serving.url}/ws`));
      return { ...serving, clients, written: noteWrites(sockets) };
    }

    it("writes the messages of a turn at once, as the same bytes for all sockets", async () => {
      const { runtime, clients, written } = await openRoom(5);
      const notes = [1, 2, 3].map((n) => ({ type: "note", n }));
      // The clock is fixed, because a busy machine could exceed the time budget of a turn.
      const now = performance.now();
      performance.now = () => now;
      await Promise.all(notes.map((note) => runtime.layers.chat.groupSend("room", note)));
      for (const client of clients) {
        expect(await client.take(3)).to.deep.equal(notes.map((note) => JSON.stringify(note)));
      }
      for (const chunks of written) expect(chunks).to.have.lengthOf(1);
      expect(new Set(written.flat()).size).to.equal(1);
    });

    it("writes different bytes if the frames differ", async () => {
      const { runtime, clients, written } = await openRoom(3);
      await runtime.layers.chat.groupSend("room", { type: "note", n: 1, own: true } as never);
      const own = new Set<unknown>();
      for (const client of clients) {
        const [first, second] = await client.take(2);
        own.add(first);
        expect(second).to.equal('{"type":"note","n":1,"own":true}');
      }
      expect([own.size, new Set(written.flat()).size]).to.deep.equal([3, 3]);
    });
  });

  describe("of a slow client", () => {
    const size = 256 * 1024;
    const clock = new SimulatedClock();
    const sockets: Socket[] = [];

    /** Opens a connection that sends numbered frames. */
    async function openFlood(outbox: OutboxOptions, options: Partial<RuntimeOptions<Layers>> = {}) {
      let consumer: Flood | undefined;
      class Flood extends WebSocketConsumer {
        static override readonly outbox = outbox;
        static override readonly supervision = { onFailure: "resume" } as const;
        #sent = 0;
        override connect() {
          consumer = this;
        }
        push(bytes = size) {
          this.send(`${this.#sent}`.padEnd(bytes, "."));
          this.#sent += 1;
        }
      }
      const serving = await serve({ layers: {}, clock, closeTimeoutMs: 1_000, ...options });
      serving.server.on("connection", (socket) => sockets.push(socket));
      serving.runtime.route("/ws", Flood);
      const client = await Client.open(`${serving.url}/ws`);
      client.websocket.pause();
      if (consumer === undefined) throw new Error("There is no consumer.");
      return { ...serving, client, flood: consumer };
    }

    /** Sends one frame in each turn until four frames wait. @returns the number of frames */
    async function fill(flood: { push(): void; readonly waitingBytes: number }): Promise<number> {
      let sent = 0;
      for (; flood.waitingBytes < 4 * size; sent += 1) {
        flood.push();
        await nextTurn();
      }
      return sent;
    }

    async function second(): Promise<void> {
      clock.increment(1_000);
      await nextTurn();
      await nextTurn();
    }

    it("knows how many bytes wait, including this turn's frames", async () => {
      const { flood, client } = await openFlood({ maxLagBytes: 1e9 });
      expect(flood.waitingBytes).to.equal(0);
      flood.push(100);
      flood.push(1_000);
      expect(flood.waitingBytes).to.equal(102 + 1_004);
      await flushed();
      expect(flood.waitingBytes).to.equal(0);
      await fill(flood);
      client.websocket.resume();
      while (flood.waitingBytes > 0) await nextTurn();
    });

    it("drops and counts the oldest frames with drop-oldest, and keeps the others in order", async () => {
      const { flood, client, runtime } = await openFlood({ overflow: "drop-oldest", maxLagBytes: 4 * size });
      let sent = 0;
      while (runtime.counters().dropped.slow < 20) {
        flood.push();
        sent += 1;
        await nextTurn();
        // The frame of the current write is not dropped.
        expect(flood.waitingBytes).to.be.at.most(5 * (size + 30));
      }
      const { slow } = runtime.counters().dropped;
      client.websocket.resume();
      const numbers = (await client.take(sent - slow)).map((frame) => Number.parseInt(String(frame), 10));
      const gaps = numbers.map((n, index) => n - (numbers[index - 1] ?? -1) - 1).filter((gap) => gap > 0);
      expect(gaps).to.deep.equal([slow]);
      expect(numbers.at(-1)).to.equal(sent - 1);
      // A single frame is not dropped, even if it exceeds the limit.
      flood.push(16 * size);
      await flushed();
      flood.push(16 * size);
      await flushed();
      expect(await client.take(2)).to.have.lengthOf(2);
      expect(runtime.counters().dropped.slow).to.equal(slow);
      sent += 2;
      // Later frames arrive as usual.
      flood.push(10);
      expect(await client.next()).to.equal(`${sent}`.padEnd(10, "."));
      for (let time = 0; time < 20; time += 1) await second();
      expect(runtime.size).to.equal(1);
    });

    it("writes all held frames before it closes, and counts them if the client is gone", async () => {
      const { flood, client, runtime } = await openFlood({ overflow: "drop-oldest", maxLagBytes: 1e9 });
      const sent = await fill(flood);
      flood.push(10);
      flood.close(4000, "That was all");
      client.websocket.resume();
      expect(await client.closed).to.deep.equal({ code: 4000, reason: "That was all" });
      const frames = await client.take(sent + 1);
      expect(frames.map((frame) => Number.parseInt(String(frame), 10))).to.deep.equal(
        Array.from({ length: sent + 1 }, (_, n) => n),
      );

      const gone = await openFlood({ overflow: "drop-oldest", maxLagBytes: 1e9 });
      await fill(gone.flood);
      gone.client.websocket.terminate();
      while (gone.runtime.size > 0) await nextTurn();
      expect(gone.runtime.counters().dropped.closing).to.be.within(2, 4);
      expect(runtime.counters().dropped.slow).to.equal(0);
    });

    it("closes a client without progress for 10 s, and keeps a client with some progress", async () => {
      const { flood, client, runtime } = await openFlood({ maxLagBytes: 1e9 });
      // The first frame exceeds the buffers of the operating system; the second is another write.
      flood.push(16 * 1024 * 1024);
      await flushed();
      const first = flood.waitingBytes;
      flood.push(32 * 1024 * 1024);
      await flushed();
      for (let time = 0; time < 9; time += 1) await second();
      const all = flood.waitingBytes;
      expect(all).to.be.above(first);
      client.websocket.resume();
      while (flood.waitingBytes === all) await nextTurn();
      client.websocket.pause();
      let seconds = 0;
      for (; !flood.signal.aborted; seconds += 1) await second();
      // The operating system may still take some bytes, on a busy machine for many turns.
      expect(seconds).to.be.within(10, 40);
      expect(runtime.size).to.equal(1);
      client.websocket.resume();
      expect(await client.closed).to.deep.equal({ code: 3008, reason: "Reads too slowly" });
    });

    for (const [how, compression] of [
      ["without compression", false],
      ["with compression", { threshold: 0, level: 1 }],
    ] as const) {
      it(`drops and counts all frames that are held for a client without progress, ${how}`, async () => {
        // Without the heartbeat, because the simulated time may pass faster than the compression works. With room for
        // all frames, because the client is not cut for their bytes here.
        const options = { compression, pingIntervalMs: 2 ** 31 - 1, maxWaitingBytes: 2 ** 31 - 1 };
        const { flood, client, runtime } = await openFlood({ maxLagBytes: 1e9 }, options);
        flood.send(randomBytes(32 * 1024 * 1024));
        await flushed();
        let sent = 1;
        for (; sent <= 100; sent += 1) flood.push();
        await flushed();
        // The last frame still waits for the end of its turn when the client is cut.
        for (; !flood.signal.aborted; sent += 1) {
          flood.push();
          await second();
        }
        expect(runtime.counters().dropped).to.deep.include({ slow: sent, closing: 0 });
        client.websocket.resume();
        expect(await client.closed).to.deep.equal({ code: 3008, reason: "Reads too slowly" });
      });
    }

    it("counts progress within one large write, and ignores time of a blocked event loop", async () => {
      const { flood, client, runtime } = await openFlood({ maxLagBytes: 1e9 });
      flood.push(32 * 1024 * 1024);
      await flushed();
      const all = flood.waitingBytes;
      const left = () =>
        (sockets.at(-1) as unknown as { _handle: { writeQueueSize: number } })._handle.writeQueueSize;
      for (let time = 0; time < 9; time += 1) await second();
      const before = left();
      client.websocket.resume();
      while (left() === before) await nextTurn();
      client.websocket.pause();
      for (let time = 0; time < 10; time += 1) await second();
      expect([runtime.size, flood.signal.aborted]).to.deep.equal([1, false]);
      expect(flood.waitingBytes).to.be.within(1, all);
      // A jump of the clock simulates a blocked event loop.
      clock.increment(0);
      const { now } = clock;
      clock.now = () => now.call(clock) + 60_000;
      await second();
      expect(flood.signal.aborted).to.equal(false);
      clock.now = now;
      client.websocket.resume();
      while (flood.waitingBytes > 0) await nextTurn();
    });

    it("drops the oldest compressed frames, and continues after a frame that cannot be written", async () => {
      const { flood, client, runtime, failures } = await openFlood(
        { overflow: "drop-oldest", maxLagBytes: 4 * size },
        { compression: { threshold: 0, level: 1 } },
      );
      const noise = () => randomBytes(size);
      for (const gone of [new Uint8Array(8), Buffer.alloc(8)]) {
        flood.send(gone);
        structuredClone(gone, { transfer: [gone.buffer] });
      }
      await flushed();
      expect(failures.map(({ stage }) => stage)).to.deep.equal(["send", "send"]);
      while (runtime.counters().dropped.slow < 5) {
        flood.send(noise());
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      client.websocket.resume();
      flood.send("end");
      for (let frame = await client.next(); frame !== "end"; frame = await client.next()) {
        expect(frame).to.have.lengthOf(size);
      }
    });

    it("does not close a client after all waiting bytes are read", async () => {
      const { flood, client, runtime } = await openFlood({ maxLagBytes: 1e9 });
      flood.push(16 * 1024 * 1024);
      await flushed();
      await second();
      client.websocket.resume();
      while (flood.waitingBytes > 0) await nextTurn();
      for (let time = 0; time < 12; time += 1) await second();
      expect([runtime.size, flood.signal.aborted]).to.deep.equal([1, false]);
    });
  });
});
