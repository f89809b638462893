import { once } from "node:events";
import type { Socket } from "node:net";
import { expect } from "chai";
import { SimulatedClock } from "xstate";
import { sliceBytes } from "../../../runtime/socket/paced-reader.ts";
import { until } from "../../layers/support/until.ts";
import { gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { destroyRawWebSockets, encodeFrame, Opcode, RawWebSocket } from "../../support/raw-websocket.ts";
import { stopServing } from "../../support/serving.ts";
import {
  clocks,
  closeFrame,
  encodeTexts,
  numbers,
  passFast,
  type Reader,
  serveReaders,
} from "../support/readers.ts";

const count = 20_000;
const frameHighWaterMark = 100;
/** Frames of equal size. */
const texts = numbers(count).map((text) => text.padStart(10));
const frames = encodeTexts(texts);

for (const [how, setClock] of Object.entries(clocks)) {
  describe(`PacedReader, when a connection ends with unread frames, ${how},`, () => {
    // By the real clock, slices grow while the machine parses them quickly.
    const framesPerSlice = setClock === passFast ? Math.ceil(sliceBytes / (frames.length / count)) : count;
    let restoreClock: () => void;
    beforeEach(() => {
      restoreClock = setClock();
    });
    afterEach(async () => {
      restoreClock();
      await destroyRawWebSockets();
      await stopServing();
    });

    /** Checks that a reader got frames without a gap from the first one, and none after `disconnect`. */
    function expectPrefix({ heard, late }: Reader): void {
      expect(heard).to.deep.equal(texts.slice(0, heard.length));
      expect(late).to.deep.equal([]);
    }

    /** Opens a client whose frames wait: the handler of the first frame is pending, and the mailbox is full. */
    async function openHeld() {
      const working = gate();
      const serving = await serveReaders(() => working.opened, { frameHighWaterMark });
      const client = await RawWebSocket.open(serving.url);
      client.socket.write(frames);
      const [reader] = serving.readers as [Reader];
      await until(() => reader.heard.length === 1);
      return { ...serving, client, reader, socket: serving.sockets[0] as Socket, working };
    }

    /** Opens the gate, and checks that at most the frames of a full mailbox were taken from the socket. */
    async function expectRestDropped({ reader, runtime, working }: Awaited<ReturnType<typeof openHeld>>) {
      working.open();
      expect(await reader.ended).to.equal(1006);
      await until(() => runtime.size === 0);
      expectPrefix(reader);
      const { closing } = runtime.counters().dropped;
      expect(reader.heard.length + closing).to.be.within(1, 1 + frameHighWaterMark + framesPerSlice);
    }

    it("drops the rest if the server destroys the socket", async () => {
      const held = await openHeld();
      held.socket.destroy();
      await once(held.socket, "close");
      await expectRestDropped(held);
    });

    it("drops the rest if the client resets the connection, and a write notices this", async () => {
      const held = await openHeld();
      held.client.socket.resetAndDestroy();
      await once(held.client.socket, "close");
      // A paused socket does not notice the reset by itself.
      while (!held.socket.destroyed) {
        held.reader.send("still there?");
        await new Promise(setImmediate);
      }
      await expectRestDropped(held);
      expect(held.failures).to.deep.equal([]);
    });

    for (const kilobytes of [2, 15, 60, 200]) {
      it(`survives a reset after ${kilobytes} KB of frames for a synchronous handler`, async () => {
        const { url, readers, runtime, failures } = await serveReaders();
        const client = await RawWebSocket.open(url);
        const sent = (kilobytes * 1_000 * count) / frames.length;
        client.socket.write(encodeTexts(texts.slice(0, sent)), () => client.socket.resetAndDestroy());
        const [reader] = readers as [Reader];
        expect(await reader.ended).to.equal(1006);
        await until(() => runtime.size === 0);
        expectPrefix(reader);
        const { closing } = runtime.counters().dropped;
        expect(reader.heard.length + closing).to.be.at.most(sent);
        expect(failures).to.deep.equal([]);
      });
    }

    it("does not cut a client whose bytes wait for their turn", async () => {
      const clock = new SimulatedClock();
      const { url, readers, sockets, runtime } = await serveReaders(undefined, {
        clock,
        pingIntervalMs: 3_200,
      });
      const client = await RawWebSocket.open(url);
      await until(() => sockets.length === 1 && runtime.size === 1);
      const [socket] = sockets as [Socket];
      // As the reader does. A full buffer keeps Node from reading the pongs, too.
      socket.pause();
      client.socket.write(frames);
      let length = -1;
      await until(() => {
        const isFull = socket.readableLength > sliceBytes && socket.readableLength === length;
        length = socket.readableLength;
        return isFull;
      });
      for (let tick = 0; tick < 100; tick += 1) {
        clock.increment(100);
        await nextTurn();
      }
      expect(runtime.size).to.equal(1);
      socket.resume();
      await until(() => readers[0]?.heard.length === count);
    });

    for (const before of [5, 50, 5_000]) {
      it(`handles nothing after a protocol error behind ${before} frames, and closes with 1002`, async () => {
        const { url, readers, runtime } = await serveReaders();
        const client = await RawWebSocket.open(url);
        const reserved = encodeFrame(3, "reserved");
        client.socket.write(
          Buffer.concat([encodeTexts(numbers(before)), reserved, encodeTexts(numbers(5_000))]),
        );
        const frame = await client.next();
        expect([frame?.opcode, frame?.payload.readUInt16BE()]).to.deep.equal([Opcode.close, 1002]);
        client.socket.write(closeFrame);
        const [reader] = readers as [Reader];
        expect(await reader.ended).to.equal(1002);
        await until(() => runtime.size === 0);
        expect(reader.heard).to.deep.equal(numbers(before));
        expect(reader.late).to.deep.equal([]);
        expect(runtime.counters().dropped.closing).to.equal(0);
      });
    }

    it("handles at most the frames of the slice after a handler destroys the socket", async () => {
      const { url, readers, sockets, runtime } = await serveReaders((frame) => {
        if (frame === texts[100]) sockets[0]?.destroy();
      });
      const client = await RawWebSocket.open(url);
      client.socket.write(frames);
      const [reader] = readers as [Reader];
      expect(await reader.ended).to.equal(1006);
      await until(() => runtime.size === 0);
      expectPrefix(reader);
      expect(reader.heard.length).to.be.within(101, 101 + frameHighWaterMark + framesPerSlice);
    });

    it("drops only frames that wait for an asynchronous handler at the close frame", async () => {
      const { url, readers, runtime } = await serveReaders(() => Promise.resolve(), { frameHighWaterMark });
      const client = await RawWebSocket.open(url);
      client.socket.write(Buffer.concat([frames, closeFrame]));
      const [reader] = readers as [Reader];
      expect(await reader.ended).to.equal(1000);
      await until(() => runtime.size === 0);
      expectPrefix(reader);
      // The socket is not read while more frames wait than the mark allows.
      expect(reader.heard.length).to.be.at.least(count - frameHighWaterMark - framesPerSlice);
      expect(reader.heard.length + runtime.counters().dropped.closing).to.equal(count);
    });

    it("counts the frames after a close by the handler, and answers the client", async () => {
      const { url, readers, runtime } = await serveReaders((frame, reader) => {
        if (frame === texts[100]) reader.close(4000, "enough");
      });
      const client = await RawWebSocket.open(url);
      client.socket.write(frames);
      const frame = await client.next();
      expect([frame?.opcode, frame?.payload.readUInt16BE()]).to.deep.equal([Opcode.close, 4000]);
      client.socket.write(closeFrame);
      expect(await client.rest()).to.deep.equal([]);
      const [reader] = readers as [Reader];
      expect(await reader.ended).to.equal(4000);
      await until(() => runtime.size === 0);
      expect(reader.heard).to.deep.equal(texts.slice(0, 101));
      expect(runtime.counters().dropped.closing).to.equal(count - 101);
    });

    it("resumes a paused client when its connection closes, so that its close frame is read", async () => {
      const { client, reader, runtime, working } = await openHeld();
      reader.close(4000, "enough");
      const frame = await client.next();
      expect(frame?.opcode).to.equal(Opcode.close);
      client.socket.write(closeFrame);
      expect(await client.rest()).to.deep.equal([]);
      working.open();
      expect(await reader.ended).to.equal(4000);
      await until(() => runtime.size === 0);
      expect(reader.heard).to.deep.equal(texts.slice(0, 1));
      expect(runtime.counters().dropped.closing).to.equal(count - 1);
    });

    it("keeps a client that sends 64 KiB of pings at once, and serves a bystander", async () => {
      const { url, runtime } = await serveReaders((frame, reader) => reader.send(frame));
      const bystander = await RawWebSocket.open(url);
      const client = await RawWebSocket.open(url);
      const pings = Array.from({ length: 10_000 }, () => encodeFrame(Opcode.ping));
      client.socket.write(Buffer.concat(pings));
      for (const text of numbers(10)) {
        bystander.send(Opcode.text, text);
        expect(String((await bystander.next())?.payload)).to.equal(text);
      }
      client.send(Opcode.text, "after the pings");
      let frame = await client.next();
      while (frame?.opcode === Opcode.pong) frame = await client.next();
      expect(String(frame?.payload)).to.equal("after the pings");
      expect(runtime.size).to.equal(2);
    });
  });
}
