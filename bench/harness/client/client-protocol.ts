import { controlText } from "../../../protocol/control-frames.ts";
import { sessionProtocol } from "../../../protocol/subprotocols.ts";
import { opcodes } from "./frame-reader.ts";
import { frameText } from "./frame-text.ts";

export interface ClientProtocol {
  /** The first bytes that a client sends. @param rooms names the rooms, as the server expects them */
  handshake(rooms: string): Buffer;
  /** Whether the server answers with an HTTP response before its first frame. */
  readonly upgrades: boolean;
  message(text: string): Buffer;
  /** The characters before and after a text in the payload of a server's frame, one for each byte. */
  readonly envelope: readonly [before: string, after: string];
  /** The client's response to a payload that is not a text of a room; `undefined` if none is needed. */
  answer(payload: string): Buffer | undefined;
  /**
   * The payload with which the server confirms that the client has joined its rooms. If `undefined`, a client
   * is regarded as joined after the response to the upgrade.
   */
  readonly joined: string | undefined;
  /** The bytes that make the server close the socket; `undefined` if the client closes the socket. */
  readonly closing: Buffer | undefined;
  /** The client's frame that acknowledges `count` frames. If `undefined`, the server expects no such frames. */
  acknowledgement?(count: number): Buffer;
}

/** The mask is not all zeros, because ws would skip unmasking. */
const mask = Buffer.of(0x37, 0xfa, 0x21, 0x3d);
const normalClosure = "\x03\xe8";

export function upgradeRequest(path: string, ...headers: string[]): Buffer {
  return Buffer.from(
    [
      `GET ${path} HTTP/1.1`,
      ...["Host: localhost", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
      ...headers,
      ...["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""],
    ].join("\r\n"),
  );
}

function closeFrame(): Buffer {
  // Masked here, because `frameText` encodes only text and the close code is binary.
  const bytes = Buffer.from(normalClosure, "latin1").map((byte, at) => byte ^ (mask[at] ?? 0));
  return Buffer.concat([Buffer.of(0x80 | opcodes.close, 0x80 | bytes.length), mask, bytes]);
}

export const webSocket: ClientProtocol = {
  handshake: (query) => upgradeRequest(`/?${query}`),
  upgrades: true,
  message: (text) => frameText(text, mask),
  envelope: ["", ""],
  answer: () => undefined,
  joined: "joined",
  closing: closeFrame(),
};

/** WebSocket with a session of Greenroom, which the client never resumes. */
export const session: ClientProtocol = {
  ...webSocket,
  handshake: (query) => upgradeRequest(`/?${query}`, `Sec-WebSocket-Protocol: ${sessionProtocol}`),
  acknowledgement: (n) => frameText(controlText({ c: "ack", n }), mask),
  closing: Buffer.concat([frameText(controlText({ c: "bye" }), mask), closeFrame()]),
};

/** Socket.IO over WebSocket. */
export const socketIo: ClientProtocol = {
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
};

export function pong(payload: Buffer): Buffer {
  return frameText(payload.toString("latin1"), mask, opcodes.pong);
}
