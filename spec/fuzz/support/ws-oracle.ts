import type { Writable } from "node:stream";
import { WebSocket } from "ws";
import { nextTurn } from "../../support/next-turn.ts";

/** The events of a client's stream, and the close code if the stream ends the connection. */
export interface Parsed {
  /** The messages: `text`, or `bytes` with its content in base64. */
  readonly messages: readonly string[];
  readonly pings: readonly string[];
  /** The code of a valid close frame (1005 if it has none), or the code for a violation. */
  readonly close: number | undefined;
}

interface ReceiverOptions {
  readonly isServer: boolean;
  readonly maxPayload: number;
  readonly maxFragments: number;
}

/** The parser of ws, which its types lack. */
const { Receiver } = WebSocket as unknown as { Receiver: new (options: ReceiverOptions) => Writable };

export const shown = (bytes: Uint8Array, isBinary: boolean): string =>
  `${isBinary ? "bytes" : "text"} ${Buffer.from(bytes).toString("base64")}`;

/** Parses a whole stream with the parser of ws alone. */
export async function parseWithWs(bytes: Buffer, limits: Omit<ReceiverOptions, "isServer">): Promise<Parsed> {
  const receiver = new Receiver({ isServer: true, ...limits });
  const messages: string[] = [];
  const pings: string[] = [];
  let close: number | undefined;
  receiver.on("message", (data: Buffer, isBinary: boolean) => messages.push(shown(data, isBinary)));
  receiver.on("ping", (data: Buffer) => pings.push(data.toString("base64")));
  receiver.on("conclude", (code: number) => {
    close ??= code;
  });
  receiver.on("error", (error: object) => {
    const key = Object.getOwnPropertySymbols(error).find(({ description }) => description === "status-code");
    if (key === undefined) return;
    close ??= (error as Record<symbol, number>)[key];
  });
  receiver.write(Buffer.from(bytes));
  // A stream emits its errors later.
  await nextTurn();
  return { messages, pings, close };
}
