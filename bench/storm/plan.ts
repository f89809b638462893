import type { RowName as ServerName } from "../fan-out/rows.ts";

interface Row {
  readonly title: string;
  /** The row of `bench/fan-out` with the server. */
  readonly server: ServerName;
  /** The file of the client, in the folder `apps`. */
  readonly app: "greenroom" | "socket-io" | "ws";
  /** The longest time until the first attempt to come back, in milliseconds. */
  readonly windowMs: number;
}

/** The windows of bare ws: the same as those of `greenroom/client`, in milliseconds. */
export const [firstWindowMs, maxWindowMs] = [500, 5_000];

export const rows = {
  greenroom: {
    title: "**Greenroom**, sessions that are resumed",
    server: "greenroom",
    app: "greenroom",
    windowMs: firstWindowMs,
  },
  ws: { title: "bare ws, which reconnects", server: "ws", app: "ws", windowMs: firstWindowMs },
  "socket.io": { title: "Socket.IO", server: "socket.io", app: "socket-io", windowMs: 1_500 },
} as const satisfies Readonly<Record<string, Row>>;
export type RowName = keyof typeof rows;
export const rowNames = Object.keys(rows) as readonly RowName[];

/** The number of processes with clients. */
export const processes = 2;
/** The number of clients in each room. All of them are in the same process. */
export const roomMembers = 50;
/** The number of the bystander's room, in which no other client is. */
export const bystanderRoom = 99_998;

export const titleOf = (clients: number): string => `${clients.toLocaleString("en")} clients dropped at once`;

/** The query of a client in one room, as the servers of `bench/fan-out` expect it. */
export const queryOf = (room: number): string => `first=${room}&count=1`;

/** The rooms of a process with clients: one for each client. */
export function roomsOf(process: number, clients: number): number[] {
  const [from, to] = [process, process + 1].map((each) => Math.floor((each * clients) / processes));
  const firstRoom = process * Math.ceil(clients / processes / roomMembers);
  return Array.from(
    { length: (to ?? 0) - (from ?? 0) },
    (_, index) => firstRoom + Math.floor(index / roomMembers),
  );
}
