import type { Load } from "./load/traffic.ts";
import type { RowName } from "./rows.ts";

/** The number of members of the room, and the bytes of a text. Measurements of growth use other values. */
export const [members, size] = [1_000, 100];

/** Ways of sending: one message at a time, 20 messages of one client, one message of each of 20 clients. */
export const sendings = {
  one: { title: "1 in flight", inFlight: 1, senders: 1 },
  burst: { title: "20 in flight, all of one sender", inFlight: 20, senders: 1 },
  many: { title: "20 in flight, each of another sender", inFlight: 20, senders: 20 },
} as const;
export type SendingName = keyof typeof sendings;
export const sendingNames = Object.keys(sendings) as readonly SendingName[];

export const oneNode = ["net", "ws", "ws-framed", "socket.io", "uwebsockets", "ours"] as const;
export const twoNodes = ["socket.io-pubsub", "socket.io-streams", "ours-pubsub", "ours-streams"] as const;
/** The rows for which growth is measured. */
export const growing = ["ws", "uwebsockets", "ours"] as const satisfies readonly RowName[];

/** The number of idle connections, and the numbers of connections that are opened and closed. */
export const idle = { connections: 8_000, warmUp: 200, churned: 3_000, atOnce: 50 } as const;

/** The load at one step of growth. */
export interface GrowthStep extends Omit<Load, "ms"> {
  readonly members: number;
  /** The number of connections in a room that receives no messages. */
  readonly others: number;
}

/** One quantity that grows while all others stay the same. */
export interface Growth {
  readonly title: string;
  readonly steps: readonly number[];
  at(step: number): Partial<GrowthStep>;
}

const { inFlight, senders } = sendings.burst;
export const usualStep: GrowthStep = { members, others: 0, inFlight, senders, rooms: 1, size };

export const growths = {
  members: {
    title: "members of the room",
    steps: [10, 100, 1_000, 10_000],
    at: (members) => ({ members }),
  },
  // All members are in all rooms, and consecutive messages go to consecutive rooms. So the number of copies
  // stays the same, also per socket and turn.
  rooms: {
    title: "rooms, of the same 50 members",
    steps: [1, 100, 10_000],
    at: (rooms) => ({ members: 50, rooms }),
  },
  inFlight: { title: "messages in flight", steps: [1, 5, 20, 100], at: (inFlight) => ({ inFlight }) },
  size: {
    title: "bytes of a text, to 100 members",
    steps: [16, 128, 1_024, 16_384],
    at: (size) => ({ members: 100, size }),
  },
  connections: {
    title: "connections, 100 in the room",
    steps: [100, 1_000, 10_000],
    at: (connections) => ({ members: 100, others: connections - 100 }),
  },
} as const satisfies Readonly<Record<string, Growth>>;

export const mostConnections = 10_000;

export const stepTitle = ({ title }: Growth, step: number): string => `${title}: ${step}`;
export const idleTitle = "connections";
