import { frameText } from "../frame-text.ts";
import type { Protocol } from "../rows.ts";
import { opcodes } from "./frame-reader.ts";

export interface ClientProtocol {
  /** The first bytes that a client sends. @param query contains the rooms */
  handshake(query: string): Buffer;
  /** Whether the server answers with an HTTP response before its first frame. */
  readonly upgrades: boolean;
  message(text: string): Buffer;
  /** The characters before and after a text in the payload of a server's frame. */
  readonly envelope: readonly [before: string, after: string];
  /** The client's response to a payload that is not a text of a room; `undefined` if none is needed. */
  answer(payload: string): Buffer | undefined;
  /** The payload with which the server confirms that the client has joined its rooms. */
  readonly joined: string;
  /** The bytes that make the server close the socket; `undefined` if the client closes the socket. */
  readonly closing: Buffer | undefined;
}

/** The mask is not all zeros, because ws does not unmask a frame with a mask of zeros. */
const mask = Buffer.of(0x37, 0xfa, 0x21, 0x3d);
const normalClosure = "\x03\xe8";

function upgradeRequest(path: string): Buffer {
  return Buffer.from(
    [
      `GET ${path} HTTP/1.1`,
      ...["Host: localhost", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
      ...["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""],
    ].join("\r\n"),
  );
}

function closeFrame(): Buffer {
  // Masked here, because `frameText` encodes only text and the close code is binary.
  const bytes = Buffer.from(normalClosure, "latin1").map((byte, at) => byte ^ (mask[at] ?? 0));
  return Buffer.concat([Buffer.of(0x80 | opcodes.close, 0x80 | bytes.length), mask, bytes]);
}

function withLength(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export const protocols: Readonly<Record<Protocol, ClientProtocol>> = {
  frames: {
    handshake: withLength,
    upgrades: false,
    message: withLength,
    envelope: ["", ""],
    answer: () => undefined,
    joined: "joined",
    closing: undefined,
  },
  websocket: {
    handshake: (query) => upgradeRequest(`/?${query}`),
    upgrades: true,
    message: (text) => frameText(text, mask),
    envelope: ["", ""],
    answer: () => undefined,
    joined: "joined",
    closing: closeFrame(),
  },
  "socket.io": {
    handshake: (query) => upgradeRequest(`/socket.io/?EIO=4&transport=websocket&${query}`),
    upgrades: true,
    message: (text) => frameText(`42["message","${text}"]`, mask),
    envelope: ['42["message","', '"]'],
    answer(payload) {
      if (payload.startsWith("0")) return frameText("40", mask);
      return payload === "2" ? frameText("3", mask) : undefined;
    },
    joined: '42["joined"]',
    closing: Buffer.concat([frameText("41", mask), closeFrame()]),
  },
};

export function pong(payload: Buffer): Buffer {
  return frameText(payload.toString("latin1"), mask, opcodes.pong);
}
