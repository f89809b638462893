import { type CarrierName, carrierNames } from "./carriers/index.ts";
import type { Joins, Load, Room } from "./tasks.ts";

/** One pair of processes, and what is measured of it one after the other. */
export interface Sending {
  readonly carrier: CarrierName;
  readonly room: Room;
  readonly loads: readonly Load[];
}

/** One process that joins groups. */
export interface Joining {
  readonly carrier: CarrierName;
  readonly joins: readonly Joins[];
}

/** What everything is compared with. */
export const control: CarrierName = "bytes";

export const inFlight = { one: 1, many: 100 } as const;
export const fewGroups: Room = { groups: 10, members: 1 };
export const manyGroups: Room = { groups: 10_000, members: 1 };
export const oneMember: Room = { groups: 1, members: 1 };
export const manyMembers: Room = { groups: 1, members: 1_000 };
export const joinsAtOnce = { one: 1, many: 1_000 } as const;

/** Who is in the tables of larger rooms, and of joins. */
const ofRooms: readonly CarrierName[] = [control, "memory", "pubsub", "streams"];
export const ofJoins: readonly CarrierName[] = [control, "pubsub", "streams"];

/** What can be measured apart from the rest. */
export const parts = ["one", "members", "groups", "joins"] as const;
export type Part = (typeof parts)[number];

/** What is measured once per run, in this order. */
export function sendings(messages: number, wanted: readonly Part[]): Sending[] {
  const one: Load = { messages: Math.ceil(messages / 4), inFlight: inFlight.one };
  const many: Load = { messages, inFlight: inFlight.many };
  const toMany: Load = { messages: Math.ceil(messages / 4), inFlight: inFlight.many };
  return [
    ...(wanted.includes("one")
      ? carrierNames.map((carrier) => ({ carrier, room: oneMember, loads: [many, one] }))
      : []),
    ...(wanted.includes("members")
      ? ofRooms.map((carrier) => ({ carrier, room: manyMembers, loads: [toMany] }))
      : []),
    // What is compared comes one after the other.
    ...(wanted.includes("groups")
      ? ofRooms.flatMap((carrier) =>
          [fewGroups, manyGroups].map((room) => ({ carrier, room, loads: [many] })),
        )
      : []),
  ];
}

export function joinings(wanted: readonly Part[]): Joining[] {
  const joins: readonly Joins[] = [
    { joins: 2_000, atOnce: joinsAtOnce.one },
    { joins: 10_000, atOnce: joinsAtOnce.many },
  ];
  return wanted.includes("joins") ? ofJoins.map((carrier) => ({ carrier, joins })) : [];
}
