import { once } from "node:events";
import { Client } from "../../support/client.ts";
import { RawClient } from "../../support/raw-client.ts";
import { encodeFrame, Opcode, RawWebSocket, upgradeRequest } from "../../support/raw-websocket.ts";
import type { Program } from "./programs.ts";

/** An attack on a running program. Resolves with the close code or HTTP status that ends it, if there is one. */
export type Attack = (program: Program) => Promise<number | undefined>;

const roomOf = ({ rooms }: Program, name = "attacked") => `${rooms}${name}`;
const pathOf = (program: Program, name?: string) => new URL(roomOf(program, name)).pathname;

/** Sends a handshake as plain text. Resolves with the status of the answer. */
const handshake =
  (requestOf: (path: string) => string): Attack =>
  async (program) => {
    const client = await RawClient.open(program.rooms, requestOf(pathOf(program)));
    const answer = await client.until(/\r\n\r\n/);
    client.socket.destroy();
    return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
  };

const refusedOrigin = (origin: string) =>
  handshake((path) => upgradeRequest(path, { Origin: origin, Host: "chat.example.com" }));

/** Sends bytes after a valid handshake. Resolves with the close code of the server. */
const frames =
  (bytesOf: (program: Program) => Iterable<Uint8Array>): Attack =>
  async (program) => {
    const client = await RawWebSocket.open(roomOf(program));
    for (const bytes of bytesOf(program)) {
      if (client.socket.destroyed) break;
      if (!client.socket.write(bytes)) await Promise.race([once(client.socket, "drain"), closed(client)]);
    }
    for (let frame = await client.next(); frame !== undefined; frame = await client.next()) {
      if (frame.opcode !== Opcode.close) continue;
      client.socket.destroy();
      return frame.payload.length >= 2 ? frame.payload.readUInt16BE(0) : 1005;
    }
    return undefined;
  };

const closed = ({ socket }: RawWebSocket) => (socket.closed ? undefined : once(socket, "close"));

/** Sends frames, waits until the server has handled all of them, and closes. */
const texts =
  (list: (program: Program) => readonly (string | Uint8Array)[]): Attack =>
  async (program) => {
    const client = await Client.open(roomOf(program));
    for (const text of list(program)) client.send(text);
    client.send(program.frame("the end"));
    const heard = async () => {
      while (!String(await client.next()).includes("the end"));
    };
    await Promise.race([heard(), client.closed]);
    client.websocket.close();
    return (await client.closed).code;
  };

const binaryHead = (length: bigint) => {
  const head = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeBigUInt64BE(length, 2);
  return head;
};

function* fragments(count: number, payload: string): Generator<Buffer> {
  const one = encodeFrame(Opcode.continuation, payload, { fin: false });
  yield encodeFrame(Opcode.text, payload, { fin: false });
  for (let left = count; left > 0; left -= 1_000) yield Buffer.concat(Array(1_000).fill(one));
}

/** The attacks, and the close codes or statuses that may end each. */
export const attacks: Readonly<Record<string, readonly [attack: Attack, ends: readonly number[]]>> = {
  "2,000 headers": [
    handshake((path) =>
      upgradeRequest(path, Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`x-${i}`, "1"]))),
    ),
    [101],
  ],
  "a subprotocol header of 32,000 spaces": [
    handshake((path) => upgradeRequest(path, { "Sec-WebSocket-Protocol": `a,${" ".repeat(32_000)}b` })),
    [431],
  ],
  "a subprotocol header of 12,000 spaces": [
    handshake((path) => upgradeRequest(path, { "Sec-WebSocket-Protocol": `a,${" ".repeat(12_000)};` })),
    [400],
  ],
  "a wrong method": [handshake((path) => upgradeRequest(path, {}, "POST")), [405]],
  "a wrong key": [handshake((path) => upgradeRequest(path, { "Sec-WebSocket-Key": "short" })), [400]],
  "a wrong version": [
    handshake((path) => upgradeRequest(path, { "Sec-WebSocket-Version": "7" })),
    [400, 426],
  ],
  "a foreign origin": [refusedOrigin("https://evil.example"), [403]],
  "the origin null": [refusedOrigin("null"), [403]],
  "an origin that looks alike": [refusedOrigin("https://chat.example.com.evil.example"), [403]],
  "a malformed path": [handshake(() => upgradeRequest("/ws/room/%ZZ")), [400]],
  "a path with illegal letters": [handshake(() => upgradeRequest("/ws/room/%1b%5b2J")), [400]],
  "a path of 8,000 letters": [handshake(() => upgradeRequest(`/ws/room/${"a".repeat(8_000)}`)), [400]],
  "frames before the answer to its upgrade": [
    async (program) => {
      const early = encodeFrame(Opcode.text, program.frame("early"));
      const client = await RawWebSocket.open(roomOf(program), {}, early);
      for (let frame = await client.next(); frame !== undefined; frame = await client.next())
        if (String(frame.payload).includes("early")) return 101;
      return undefined;
    },
    [101],
  ],
  "headers that never end": [
    async (program) => {
      const clients = await Promise.all(
        Array.from({ length: 50 }, () => RawClient.open(program.rooms, "GET / HTTP/1.1\r\nX: ")),
      );
      for (const { socket } of clients) socket.destroy();
      return undefined;
    },
    [],
  ],
  "200 clients that send 2,000 requests each and read no response": [
    async (program) => {
      const requests = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2_000);
      const clients = await Promise.all(
        Array.from({ length: 200 }, async () => {
          const client = await RawClient.open(program.rooms);
          client.socket.pause();
          client.socket.write(requests);
          return client;
        }),
      );
      const bystander = await program.bystander();
      await bystander.echo();
      await bystander.close();
      for (const { socket } of clients) socket.destroy();
      return undefined;
    },
    [],
  ],
  "a frame larger than maxPayload": [
    frames(() => [encodeFrame(Opcode.binary, Buffer.alloc(65_537))]),
    [1009],
  ],
  "such a message in fragments": [
    frames(() => [
      encodeFrame(Opcode.binary, Buffer.alloc(60_000), { fin: false }),
      encodeFrame(Opcode.continuation, Buffer.alloc(6_000)),
    ]),
    [1009],
  ],
  "200,000 fragments of one byte": [frames(() => fragments(200_000, "a")), [1008]],
  "200,000 empty fragments": [frames(() => fragments(200_000, "")), [1008]],
  "a length of 2^63": [frames(() => [binaryHead(1n << 63n)]), [1002, 1009]],
  "a length of 2^53": [frames(() => [binaryHead(1n << 53n)]), [1009]],
  "a frame without a mask": [frames(() => [Buffer.from([0x81, 0x01, 0x61])]), [1002]],
  "a fragmented ping": [frames(() => [encodeFrame(Opcode.ping, "", { fin: false })]), [1002]],
  "a ping of 126 bytes": [frames(() => [encodeFrame(Opcode.ping, "a".repeat(126))]), [1002]],
  "RSV1 without compression": [frames(() => [encodeFrame(Opcode.text, "a", { rsv1: true })]), [1002]],
  "text that is not UTF-8": [frames(() => [encodeFrame(Opcode.text, Buffer.from([0xc3, 0x28]))]), [1007]],
  "a close frame of one byte": [frames(() => [encodeFrame(Opcode.close, "a")]), [1002]],
  "the close code 1005": [frames(() => [encodeFrame(Opcode.close, Buffer.from([0x03, 0xed]))]), [1002]],
  "50,000 pings": [
    frames(() => [
      ...Array(50).fill(Buffer.concat(Array(1_000).fill(encodeFrame(Opcode.ping, "x")))),
      encodeFrame(Opcode.close),
    ]),
    [1005, 3490],
  ],
  "types that are names of methods": [
    texts(() =>
      [
        "null",
        "[]",
        "1",
        '{"toString":"x"}',
        "__proto__",
        "constructor",
        "connect",
        "receive",
        "xstate.stop",
        "xstate.init",
        "greenroom.reply",
      ].map((type) => (type.length > 3 && !/^[[{]/.test(type) ? JSON.stringify({ type, id: "1" }) : type)),
    ),
    [1005],
  ],
  "5 KB of 0x91": [texts(() => ["\x91".repeat(5_000)]), [1005]],
  "JSON that nests 60,000 levels": [texts(() => ["[".repeat(60_000)]), [1005]],
  "bytes where texts are expected": [texts(() => [Buffer.alloc(1_000, 0x91)]), [1003, 1005]],
  "a flood of 15,000 messages": [
    texts((program) => Array(15_000).fill(program.frame("flood"))),
    [1005, 1013],
  ],
  "300 clients that leave while they join": [
    async (program) => {
      const opening = Array.from({ length: 300 }, async (_, index) => {
        const client = await RawClient.open(program.rooms, upgradeRequest(pathOf(program)));
        if (index % 3 === 0) client.socket.destroy();
        else if (index % 3 === 1) client.socket.end(encodeFrame(Opcode.close));
        else client.socket.resetAndDestroy();
      });
      await Promise.all(opening);
      return undefined;
    },
    [],
  ],
  "readers that stop under large broadcasts": [
    async (program) => {
      const readers = await Promise.all(
        Array.from({ length: 20 }, () => RawWebSocket.open(roomOf(program, "large"))),
      );
      for (const { socket } of readers) socket.pause();
      const sender = await Client.open(roomOf(program, "large"));
      const text = program.frame("x".repeat(1_900));
      for (let index = 0; index < 3_000; index += 1) sender.send(text);
      sender.send(program.frame("the end"));
      const heard = async () => {
        while (!String(await sender.next()).includes("the end"));
      };
      await Promise.race([heard(), sender.closed]);
      for (const { socket } of readers) socket.destroy();
      sender.websocket.terminate();
      return undefined;
    },
    [],
  ],
  "1,500 connections at once, closed at once": [
    async (program) => {
      const clients: Client[] = [];
      for (let batch = 0; batch < 15; batch += 1) {
        const opening = Array.from({ length: 100 }, (_, index) =>
          Client.open(roomOf(program, `many-${index}`)),
        );
        clients.push(...(await Promise.all(opening)));
      }
      for (const { websocket } of clients) websocket.terminate();
      return undefined;
    },
    [],
  ],
};
