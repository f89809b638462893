/** The rows, which take turns in one process. `control` is `off` once more: its distance from `off` is noise. */
export const rows = {
  off: "off",
  control: "off again (control)",
  metrics: "**metrics**",
};

export type RowName = keyof typeof rows;
export const rowNames = Object.keys(rows) as readonly RowName[];

/** The number of members of the room, and the bytes of a text. */
export const [members, size] = [1_000, 100];

/** The numbers of messages in flight, all of one sender. */
export const inFlight = [20, 1] as const;

export const title = (count: number): string =>
  `A room of ${members.toLocaleString("en")}, ${count} in flight`;
