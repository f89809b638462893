import type { Socket } from "node:net";
import { expect } from "chai";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { destroyRawWebSockets, encodeFrame, Opcode, RawWebSocket } from "../../support/raw-websocket.ts";
import { stopServing } from "../../support/serving.ts";
import { closeFrame, serveReaders } from "../support/readers.ts";

const mib = 1_048_576;
const maxParsed = mib;
const maxRead = 16 * mib;
/** Node reads at most this many bytes from a socket at once. */
const chunkBytes = 65_536;
const frame = encodeFrame(Opcode.text, "x");

/** Writes `bytes` until `total` bytes are written or the connection has ended. */
async function flood(socket: Socket, bytes: Buffer, total: number): Promise<void> {
  for (let sent = 0; sent < total && !socket.destroyed; sent += bytes.length) {
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  }
}

/** Serves readers that echo, and that close the connection at the frame `leave`. Nothing else ends it soon. */
const serveLeavers = () =>
  serveReaders((text, reader) => (text === "leave" ? reader.close(4001, "Enough") : reader.send(text)), {
    closeTimeoutMs: 600_000,
  });

describe("SocketTransport, after its close frame,", () => {
  afterEach(async () => {
    await destroyRawWebSockets();
    await stopServing();
  });

  const ends: Readonly<Record<string, readonly [first: Buffer, code: number]>> = {
    "the server has closed": [encodeFrame(Opcode.text, "leave"), 4001],
    "a frame was too large": [encodeFrame(Opcode.text, "x".repeat(70_000)), 1009],
    "the client has closed": [closeFrame, 1000],
  };
  for (const [end, [first, code]] of Object.entries(ends)) {
    it(`parses at most 1 MiB and reads at most 16 MiB of a flooding client, if ${end}`, async () => {
      const { url, runtime, readers, sockets } = await serveLeavers();
      const client = await RawWebSocket.open(url);
      // The client does not end its half of the connection when the server ends the other half.
      client.socket.allowHalfOpen = true;
      const bystander = await Client.open(url);
      client.socket.write(first);
      const answer = await client.next();
      expect([answer?.opcode, answer?.payload.readUInt16BE(0)]).to.deep.equal([Opcode.close, code]);
      const tiny = Buffer.alloc(frame.length * 20_000, frame);
      const flooding = flood(client.socket, tiny, 2 * maxRead);
      for (const text of ["one", "two", "three"]) {
        bystander.send(text);
        expect(await bystander.next()).to.equal(text);
      }
      await flooding;
      await until(() => runtime.size === 1);
      expect(await readers[0]?.ended).to.equal(code);
      expect(runtime.counters().dropped.closing).to.be.at.most((maxParsed + chunkBytes) / frame.length);
      expect(sockets[0]?.bytesRead).to.be.within(maxRead, maxRead + 4 * chunkBytes + first.length);
    });
  }

  it("counts small writes, too", async () => {
    const { url, runtime, sockets } = await serveLeavers();
    const client = await RawWebSocket.open(url);
    client.socket.allowHalfOpen = true;
    client.socket.write(encodeFrame(Opcode.text, "leave"));
    await client.next();
    await flood(client.socket, Buffer.alloc(frame.length * 100, frame), maxParsed);
    await flood(client.socket, Buffer.alloc(chunkBytes), 2 * maxRead);
    await until(() => runtime.size === 0);
    expect(runtime.counters().dropped.closing).to.be.at.most((maxParsed + chunkBytes) / frame.length);
    expect(sockets[0]?.bytesRead).to.be.at.least(maxRead);
  });

  it("ends the connection of a client with an upload of 8 MiB under way, which gets the close code", async () => {
    const { url, runtime, readers } = await serveLeavers();
    const client = await Client.open(url);
    client.send("leave");
    const part = Buffer.alloc(chunkBytes - 100);
    for (let sent = 0; sent < 8 * mib; sent += part.length) client.send(part);
    expect(await client.closed).to.deep.equal({ code: 4001, reason: "Enough" });
    await until(() => runtime.size === 0);
    expect(await readers[0]?.ended).to.equal(4001);
  });

  it("ends its half of the connection of such a client, if the client waits for that as browsers do", async () => {
    const { url, runtime, failures } = await serveLeavers();
    const client = await RawWebSocket.open(url);
    client.socket.write(encodeFrame(Opcode.text, "leave"));
    const part = encodeFrame(Opcode.binary, Buffer.alloc(chunkBytes - 100));
    for (let sent = 0; sent < 8 * mib; sent += part.length) client.socket.write(part);
    client.socket.write(closeFrame);
    const [answer, ...rest] = await client.rest();
    expect([answer?.opcode, answer?.payload.readUInt16BE(0), rest]).to.deep.equal([Opcode.close, 4001, []]);
    await until(() => runtime.size === 0);
    expect(failures).to.deep.equal([]);
  });

  it("still completes the closing handshake of a client that sends less than 1 MiB", async () => {
    const { url, runtime } = await serveLeavers();
    const client = await RawWebSocket.open(url);
    client.socket.write(encodeFrame(Opcode.text, "leave"));
    await client.next();
    const count = 100_000;
    client.socket.write(Buffer.concat([Buffer.alloc(frame.length * count, frame), closeFrame]));
    expect(await client.next()).to.equal(undefined);
    await until(() => runtime.size === 0);
    expect(runtime.counters().dropped.closing).to.equal(count);
  });
});
