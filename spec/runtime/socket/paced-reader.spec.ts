import { deflateRawSync } from "node:zlib";
import { expect } from "chai";
import { sliceBytes } from "../../../runtime/socket/paced-reader.ts";
import { until } from "../../layers/support/until.ts";
import { gate } from "../../support/gate.ts";
import { destroyRawWebSockets, encodeFrame, Opcode, RawWebSocket } from "../../support/raw-websocket.ts";
import { stopServing } from "../../support/serving.ts";
import { bytesOf, textOf } from "../support/frame-cases.ts";
import { clocks, closeFrame, encodeTexts, numbers, serveReaders } from "../support/readers.ts";

const count = 20_000;
const frameHighWaterMark = 100;

describe("PacedReader", () => {
  let restoreClock: () => void;
  afterEach(async () => {
    restoreClock();
    await destroyRawWebSockets();
    await stopServing();
  });

  for (const [how, setClock] of Object.entries(clocks)) {
    describe(how, () => {
      beforeEach(() => {
        restoreClock = setClock();
      });

      it("passes all frames before the close frame to a synchronous handler, then calls disconnect", async () => {
        const { url, readers, runtime } = await serveReaders();
        const client = await RawWebSocket.open(url);
        client.socket.write(Buffer.concat([encodeTexts(numbers(count)), closeFrame]));
        expect((await client.rest()).map(({ opcode }) => opcode)).to.deep.equal([Opcode.close]);
        const [reader] = readers;
        expect(await reader?.ended).to.equal(1000);
        expect(reader?.heard).to.deep.equal(numbers(count));
        expect(reader?.late).to.deep.equal([]);
        expect(runtime.counters().dropped.closing).to.equal(0);
      });

      it("passes all frames before the end of a connection without a close frame", async () => {
        const { url, readers } = await serveReaders();
        const client = await RawWebSocket.open(url);
        client.socket.end(encodeTexts(numbers(count)));
        expect(await readers[0]?.ended).to.equal(1006);
        expect(readers[0]?.heard).to.deep.equal(numbers(count));
      });

      it("stops reading when the mailbox is full, and continues when it has room", async () => {
        const working = gate();
        const { url, readers, sockets } = await serveReaders(() => working.opened, { frameHighWaterMark });
        const bystander = await RawWebSocket.open(url);
        const client = await RawWebSocket.open(url);
        const bytes = encodeTexts(numbers(4 * count));
        client.socket.write(bytes);
        // Each answer to a ping shows that turns have passed.
        for (let ping = 0; ping < 20; ping += 1) {
          bystander.send(Opcode.ping);
          await bystander.next();
        }
        expect(readers[1]?.heard).to.deep.equal(["0"]);
        expect(sockets[1]?.bytesRead).to.be.below(bytes.length / 2);
        working.open();
        await until(() => readers[1]?.heard.length === 4 * count);
        expect(readers[1]?.heard).to.deep.equal(numbers(4 * count));
      });

      it("stops reading small chunks when the mailbox is full", async () => {
        const working = gate();
        const { url, readers, sockets } = await serveReaders(() => working.opened, { frameHighWaterMark });
        const bystander = await RawWebSocket.open(url);
        const client = await RawWebSocket.open(url);
        const texts = numbers(5_000);
        let sent = 0;
        for (let first = 0; first < texts.length; first += 50) {
          // The answer to the ping shows that the server had a turn to read this chunk.
          const chunk = encodeTexts(texts.slice(first, first + 50));
          expect(chunk.length).to.be.below(sliceBytes);
          client.socket.write(chunk);
          sent += chunk.length;
          bystander.send(Opcode.ping);
          await bystander.next();
        }
        expect(sockets[1]?.bytesRead).to.be.below(sent / 2);
        working.open();
        await until(() => readers[1]?.heard.length === texts.length);
        expect(readers[1]?.heard).to.deep.equal(texts);
      });

      it("passes large frames unchanged, with small ones around them", async () => {
        const { url, readers } = await serveReaders();
        const client = await RawWebSocket.open(url);
        const [text, bytes] = [textOf(60_000), bytesOf(60_000)];
        client.socket.write(
          Buffer.concat([
            encodeTexts(["before", text, "between"]),
            encodeFrame(Opcode.binary, bytes),
            encodeFrame(Opcode.text, text.slice(0, 30_000), { fin: false }),
            encodeFrame(Opcode.continuation, text.slice(30_000)),
            encodeTexts(["after"]),
            closeFrame,
          ]),
        );
        await readers[0]?.ended;
        const heard = readers[0]?.heard.map((frame) =>
          typeof frame === "string" ? frame : Buffer.from(frame),
        );
        expect(heard).to.deep.equal(["before", text, "between", bytes, text, "after"]);
      });

      it("passes compressed frames in order", async () => {
        const { url, readers } = await serveReaders(undefined, { compression: true });
        const client = await RawWebSocket.open(url, {
          "Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover",
        });
        expect(client.compresses).to.equal(true);
        const texts = numbers(2_000).map((n) => (Number(n) % 500 === 7 ? `${n} ${textOf(60_000)}` : n));
        const frames = texts.map((text, n) =>
          n % 3 === 0
            ? encodeFrame(Opcode.text, text)
            : encodeFrame(Opcode.text, deflateRawSync(text, { finishFlush: 2 }).subarray(0, -4), {
                rsv1: true,
              }),
        );
        client.socket.write(Buffer.concat([...frames, closeFrame]));
        await readers[0]?.ended;
        expect(readers[0]?.heard.map(String)).to.deep.equal(texts);
      });

      it("passes frames that are sent together with the upgrade request, in order", async () => {
        const { url, readers } = await serveReaders();
        const texts = numbers(count);
        const early = Buffer.concat([encodeTexts(texts), closeFrame]);
        expect(early.length).to.be.above(200_000);
        await RawWebSocket.open(url, {}, early);
        await readers[0]?.ended;
        expect(readers[0]?.heard).to.deep.equal(texts);
      });

      it("answers 64 KiB of pings, in groups of 50 pings", async () => {
        const { url } = await serveReaders();
        const client = await RawWebSocket.open(url);
        for (let sent = 0; sent < 64 * 1024; sent += 50 * 131) {
          const pings = numbers(50).map((n) => n.padEnd(125));
          client.socket.write(Buffer.concat(pings.map((text) => encodeFrame(Opcode.ping, text))));
          for (const text of pings) {
            const pong = await client.next();
            expect([pong?.opcode, String(pong?.payload)]).to.deep.equal([Opcode.pong, text]);
          }
        }
      });
    });
  }
});
