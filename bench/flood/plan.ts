import {
  type ClientProtocol,
  socketIo,
  upgradeRequest,
  webSocket,
} from "../harness/client/client-protocol.ts";
import { nameOfRoom } from "../harness/client/message-text.ts";

/** A room chat in the path of the URL, whose server puts a sign in front of each text. */
const chat: ClientProtocol = {
  ...webSocket,
  handshake: (room) => upgradeRequest(`/ws/room/${room}`),
  joined: undefined,
  envelope: [Buffer.from("💬 ").toString("latin1"), ""],
};

/** A client uses the number of its room as the name of the room. */
export const protocols = {
  chat,
  "socket.io": { ...socketIo, handshake: (room: string) => socketIo.handshake(`first=${room}&count=1`) },
};
export type ProtocolName = keyof typeof protocols;

/** The shortest text that the server sends to the members of a room. */
export const shortestText: Readonly<Record<ProtocolName, (room: number) => string>> = {
  chat: () => "x",
  "socket.io": nameOfRoom,
};

interface Row {
  readonly title: string;
  readonly protocol: ProtocolName;
  /** The module of the server. */
  readonly server: string;
}

export const rows = {
  readme: {
    title: "**Greenroom**, the README's example",
    protocol: "chat",
    server: "./servers/readme-example.ts",
  },
  demo: { title: "**Greenroom**, the demo", protocol: "chat", server: "./servers/demo.ts" },
  ws: { title: "bare ws, `send` in a loop", protocol: "chat", server: "./servers/ws.ts" },
  "socket.io": {
    title: "Socket.IO",
    protocol: "socket.io",
    server: "../fan-out/servers/socket-io.ts",
  },
} as const satisfies Readonly<Record<string, Row>>;
export type RowName = keyof typeof rows;
export const rowNames = Object.keys(rows) as readonly RowName[];
export const ours = ["readme", "demo"] as const satisfies readonly RowName[];

/** A number of flooders. */
interface Flood {
  readonly title: string;
  readonly flooders: number;
  /** Whether each flooder is alone in a room. Otherwise all are in one room, and receive all texts. */
  readonly alone: boolean;
  /** The target for the bystander's p99, in milliseconds. */
  readonly limitMs: number;
}

export const floods = {
  "1": { title: "1 flooder", flooders: 1, alone: true, limitMs: 20 },
  "5": { title: "5 flooders in one room", flooders: 5, alone: false, limitMs: 40 },
  "20": { title: "20 flooders in one room", flooders: 20, alone: false, limitMs: 100 },
  "100": { title: "100 flooders in one room", flooders: 100, alone: false, limitMs: 600 },
  "20-alone": { title: "20 flooders, each alone in a room", flooders: 20, alone: true, limitMs: 100 },
  "100-alone": { title: "100 flooders, each alone in a room", flooders: 100, alone: true, limitMs: 600 },
} as const satisfies Readonly<Record<string, Flood>>;
export type FloodName = keyof typeof floods;
export const floodNames: readonly FloodName[] = ["1", "5", "20", "100", "20-alone", "100-alone"];

/** The rooms of the flooders. */
export function roomsOf({ flooders, alone }: Flood): number[] {
  return Array.from({ length: flooders }, (_, index) => bystanderRoom + 1 + (alone ? index : 0));
}

export const bystanderRoom = 1;

/** The time for which the bystander is alone. The first half warms the server up, the second is measured. */
export const calmMs = 2_000;
/** The longest time to wait for the latency to be normal again. */
export const recoveryMs = 10_000;
/** The time that the last echoes, and the server's figures, may take after the recovery. */
export const graceMs = 1_000;
/** The latency is normal again if it is at most twice the median before the flood, plus this. */
export const toleranceMs = 5;
