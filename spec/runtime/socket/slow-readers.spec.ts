import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { expect } from "chai";
import { type Frame, type RuntimeOptions, WebSocketConsumer } from "greenroom";
import { until } from "../../layers/support/until.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { destroyRawWebSockets, Opcode, RawWebSocket } from "../../support/raw-websocket.ts";
import { serve, stopServing } from "../../support/serving.ts";

const megabyte = 2 ** 20;
/** Upper bound of the operating system's buffers for a connection that is not read. */
const maxKernelBytes = 24 * megabyte;

describe("A client that stops reading broadcasts of 1 MiB", () => {
  afterEach(async () => {
    await destroyRawWebSockets();
    await stopServing();
  });

  /** Random bytes, because they cannot be compressed. Each broadcast begins with its number. */
  const body = randomBytes(megabyte);
  const broadcast = (number: number): Frame => {
    const frame = Buffer.from(body);
    frame.writeUInt32BE(number);
    return frame;
  };

  async function start(options: RuntimeOptions<Record<never, never>>) {
    const members: WebSocketConsumer[] = [];
    const gone: number[] = [];
    const sockets: Socket[] = [];
    class Member extends WebSocketConsumer {
      override connect() {
        members.push(this);
      }
      override disconnect(code: number) {
        gone.push(code);
      }
    }
    const serving = await serve({ layers: {}, ...options });
    serving.server.on("connection", (socket) => sockets.push(socket));
    serving.runtime.route("/ws", Member);
    const headers = { "Sec-WebSocket-Extensions": "permessage-deflate" };
    const open = () => RawWebSocket.open(`${serving.url}/ws`, headers);
    const clients = [await open(), await open(), await open()] as const;
    return { ...serving, members, gone, sockets, clients };
  }

  for (const [how, compression, goesOn] of [
    ["without compression", false, 100],
    ["with compression", { level: 1 }, 3],
  ] as const) {
    describe(how, () => {
      it("is closed with 3008 and bounded memory, while others receive all in order", async () => {
        const { members, gone, sockets, clients, runtime } = await start({
          compression,
          closeTimeoutMs: 60_000,
        });
        const [stuck, ...others] = clients;
        expect(stuck.compresses).to.equal(compression !== false);
        stuck.socket.pause();
        let most = 0;
        let cutAt = -1;
        let number = 0;
        for (; number < 100 && (cutAt < 0 || number < cutAt + goesOn); number += 1) {
          const frame = broadcast(number);
          for (const member of members) member.send(frame);
          await nextTurn();
          // The other clients read each broadcast before the next one.
          for (const other of others) {
            const { opcode, payload } = (await other.next()) ?? { opcode: -1, payload: Buffer.alloc(4) };
            expect([opcode, payload.readUInt32BE(), payload.length]).to.deep.equal([
              Opcode.binary,
              number,
              megabyte,
            ]);
            expect(payload.compare(body, 4, undefined, 4)).to.equal(0);
          }
          most = Math.max(most, sockets[0]?.writableLength ?? 0);
          if (cutAt < 0 && runtime.counters().dropped.slow > 0) cutAt = number;
        }
        // The limit, one more turn, the headers and the close frame.
        expect(most)
          .to.be.above(0)
          .and.at.most(2 * megabyte + 1_000);
        expect(cutAt)
          .to.be.above(0)
          .and.at.most(maxKernelBytes / megabyte);
        expect(gone).to.deep.equal([3008]);
        // When the client reads again, it receives the first broadcasts without a gap, then the close frame.
        stuck.socket.resume();
        const numbers: number[] = [];
        let code = 0;
        while (code === 0) {
          const frame = await stuck.next();
          if (frame === undefined) throw new Error("There was no close frame.");
          if (frame.opcode === Opcode.close) code = frame.payload.readUInt16BE();
          else numbers.push(frame.payload.readUInt32BE());
        }
        stuck.send(Opcode.close, Buffer.from([0x0b, 0xc0]));
        expect(await stuck.rest()).to.deep.equal([]);
        expect(code).to.equal(3008);
        expect(numbers).to.deep.equal(numbers.map((_, index) => index));
        const { slow, closing } = runtime.counters().dropped;
        expect(numbers.length + slow + closing).to.equal(number);
        await until(() => runtime.size === 2);
      });
    });
  }
});
