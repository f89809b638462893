import type { RowName } from "./rows.ts";

/** How messages are sent in one measurement. */
export interface Sending {
  readonly title: string;
  readonly inFlight: number;
  readonly senders: number;
}

/** One message at a time; many of one client, which come in bursts; and as many, each of another client. */
export const sendings = {
  one: { title: "1 in flight", inFlight: 1, senders: 1 },
  burst: { title: "20 in flight, of one sender", inFlight: 20, senders: 1 },
  many: { title: "20 in flight, each of another sender", inFlight: 20, senders: 20 },
} as const satisfies Readonly<Record<string, Sending>>;

/** Connections in the room, and bytes of a text, wherever that is not what grows. */
export const [members, size] = [1_000, 100];

export const oneNode = ["net", "ws", "ws-framed", "socket.io", "uwebsockets", "ours"] as const;
export const twoNodes = ["socket.io-pubsub", "socket.io-streams", "ours-pubsub", "ours-streams"] as const;
export const growing: readonly RowName[] = ["ws", "uwebsockets", "ours"];

/** What can be measured apart from the rest. */
export const parts = ["one", "two", "idle", "growth"] as const;
export type Part = (typeof parts)[number];
