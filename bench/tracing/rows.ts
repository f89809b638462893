export const rows = {
  off: "off",
  control: "off, again (control)",
  attached: "traces attached, without an SDK",
  sampled: "**traces at 1 %**",
  all: "traces at 100 %",
} as const;

export type RowName = keyof typeof rows;

export const rowNames = Object.keys(rows) as RowName[];

export const rooms = {
  relay: "relayed",
  constant: "with a handler in each member",
} as const;

export type RoomName = keyof typeof rooms;

export const roomNames = Object.keys(rooms) as RoomName[];

/** The number of members of the room, and the bytes of a text. */
export const [members, size] = [1_000, 100];

/** The numbers of messages in flight, all of one sender. The first one also warms up. */
export const inFlight = [20, 1] as const;

export const titleOf = (room: RoomName, count: number): string =>
  `A message to a room of 1,000, ${rooms[room]}, ${count} in flight`;
