import { frameText } from "../frame-text.ts";
import type { Dialect } from "../rows.ts";
import { opcodes } from "./frame-reader.ts";

/** How a client says things in one dialect. */
export interface Speech {
  /** What it sends first. @param query which rooms it wants to be in */
  hello(query: string): Buffer;
  /** Whether the server answers that with an HTTP response before its first frame. */
  readonly upgrades: boolean;
  /** A text for a room, as it goes to the server. */
  message(text: string): Buffer;
  /** What the server puts before and after a text, in the payload of a frame. */
  readonly around: readonly [before: string, after: string];
  /** What a payload that is no text of a room is answered with; nothing where it is not to be answered. */
  answer(payload: string): Buffer | undefined;
  /** The payload that tells that the client is in its rooms. */
  readonly joined: string;
  /** What it sends last. The server answers by closing, too; in bare frames a client just closes. */
  readonly goodbye: Buffer | undefined;
}

/** Not zeros, which ws would skip. */
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
  // The code is two bytes and no text: they are masked here.
  const bytes = Buffer.from(normalClosure, "latin1").map((byte, at) => byte ^ (mask[at] ?? 0));
  return Buffer.concat([Buffer.of(0x80 | opcodes.close, 0x80 | bytes.length), mask, bytes]);
}

function withLength(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export const dialects: Readonly<Record<Dialect, Speech>> = {
  frames: {
    hello: withLength,
    upgrades: false,
    message: withLength,
    around: ["", ""],
    answer: () => undefined,
    joined: "joined",
    goodbye: undefined,
  },
  websocket: {
    hello: (query) => upgradeRequest(`/?${query}`),
    upgrades: true,
    message: (text) => frameText(text, mask),
    around: ["", ""],
    answer: () => undefined,
    joined: "joined",
    goodbye: closeFrame(),
  },
  "socket.io": {
    hello: (query) => upgradeRequest(`/socket.io/?EIO=4&transport=websocket&${query}`),
    upgrades: true,
    message: (text) => frameText(`42["message","${text}"]`, mask),
    around: ['42["message","', '"]'],
    answer(payload) {
      if (payload.startsWith("0")) return frameText("40", mask);
      return payload === "2" ? frameText("3", mask) : undefined;
    },
    joined: '42["joined"]',
    goodbye: Buffer.concat([frameText("41", mask), closeFrame()]),
  },
};

/** The answer to a ping: its payload comes back. */
export function pong(payload: Buffer): Buffer {
  return frameText(payload.toString("latin1"), mask, opcodes.pong);
}
