import type { Load } from "./load/traffic.ts";
import type { RowName } from "./rows.ts";

/** The number of members of the room, and the bytes of a text. Measurements of growth use other values. */
export const [members, size] = [1_000, 100];

/** The rooms and the numbers of senders with 20 messages in flight. */
export const roomSizes = [100, members, 4_000, 10_000] as const;
export const senderCounts = [1, 16] as const;

/** A way of sending to a room. */
export type Sending = Pick<Load, "inFlight" | "senders">;

export const busy = (senders: number): Sending => ({ inFlight: 20, senders });
export const single: Sending = { inFlight: 1, senders: 1 };

/** The parts of the bench. `busy` is one node with 20 messages in flight, `single` is one in flight. */
export const partNames = ["busy", "single", "two", "idle", "growth"] as const;
export type PartName = (typeof partNames)[number];

/**
 * The parts to measure. If rooms or senders are chosen but parts are not, only the tables with 20 in flight
 * are measured.
 */
export function partsOf(chosen: {
  readonly parts: readonly PartName[];
  readonly members: readonly string[];
  readonly senders: readonly string[];
}): readonly PartName[] {
  const isWhole = chosen.members.length === roomSizes.length && chosen.senders.length === senderCounts.length;
  return isWhole || chosen.parts.length < partNames.length ? chosen.parts : ["busy"];
}

/** The title of a measurement. */
export function sendingTitle({ inFlight, senders }: Sending, room: number = members): string {
  const load =
    inFlight === 1
      ? "one in flight"
      : `${inFlight} in flight of ${senders === 1 ? "one sender" : `${senders} senders`}`;
  return `room of ${room.toLocaleString("en")}, ${load}`;
}

export const oneNode = [
  "net",
  "ws",
  "ws-framed",
  "socket.io",
  "uwebsockets",
  "greenroom",
  "greenroom-sessions",
] as const;
export const twoNodes = [
  "socket.io-pubsub",
  "socket.io-streams",
  "greenroom-pubsub",
  "greenroom-streams",
] as const;
/** The rows for which growth and rooms of other sizes are measured. */
export const growing = ["ws", "uwebsockets", "greenroom"] as const satisfies readonly RowName[];

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

export const usualStep: GrowthStep = { ...busy(1), members, others: 0, rooms: 1, size };

export const growths = {
  members: {
    title: "members of the room",
    steps: [10, ...roomSizes],
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
