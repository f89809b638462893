import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { leastSize, messageText } from "../harness/client/message-text.ts";
import { now } from "../harness/clock.ts";
import { serveTasks } from "../harness/worker-process.ts";
import type { Stay } from "./apps/app.ts";
import { queryOf, type RowName, rows } from "./plan.ts";

interface Client {
  readonly room: number;
  /** The time of {@link now} at which the client was connected most recently. */
  joinedAt: number;
  received: number;
  send(text: string): void;
}

const batch = 50;
const pollMs = 10;
const openTimeoutMs = 30_000;

const clients: Client[] = [];
const sockets = new Set<Socket>();
let [attempts, fresh] = [0, 0];
let droppedAt = Number.NEGATIVE_INFINITY;

// Node tells of each TCP connection that this process makes, so that a drop does not depend on the library.
subscribe("net.client.socket", (event) => {
  const { socket } = event as { readonly socket: Socket };
  attempts += 1;
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
});

const isBack = ({ joinedAt }: Client) => joinedAt > droppedAt;
const back = () => clients.filter(isBack).length;

async function waitFor(isDone: () => boolean, timeoutMs: number): Promise<boolean> {
  const endsAt = now() + timeoutMs;
  while (!isDone() && now() < endsAt) await pause(pollMs);
  return isDone();
}

const tasks = {
  /** Connects a client for each of the `rooms`. Resolves when all are connected. */
  async open(row: RowName, port: number, rooms: readonly number[]): Promise<void> {
    const { stay } = (await import(`./apps/${rows[row].app}.ts`)) as { stay: Stay };
    for (const [index, room] of rooms.entries()) {
      const client: Client = { room, joinedAt: Number.NEGATIVE_INFINITY, received: 0, send() {} };
      client.send = stay(`http://127.0.0.1:${port}`, queryOf(room), {
        onJoined: () => {
          client.joinedAt = now();
        },
        onText: () => {
          client.received += 1;
        },
        onFresh: () => {
          fresh += 1;
        },
      });
      clients.push(client);
      const isBatch = index % batch === batch - 1 || index === rooms.length - 1;
      if (isBatch && !(await waitFor(() => clients.every(({ joinedAt }) => joinedAt > 0), openTimeoutMs)))
        throw new Error("The clients could not connect.");
    }
  },
  /** Destroys the sockets of all clients at a time of {@link now}. */
  async drop(atMs: number): Promise<void> {
    await pause(atMs - now());
    [attempts, fresh] = [0, 0];
    droppedAt = now();
    for (const socket of sockets) socket.destroy();
  },
  /** Waits until all clients are back. @returns the time of each client's return, in milliseconds after `atMs` */
  async returns(atMs: number, timeoutMs: number): Promise<number[]> {
    await waitFor(() => back() === clients.length, timeoutMs);
    return clients.map((client) => (isBack(client) ? client.joinedAt - atMs : Number.POSITIVE_INFINITY));
  },
  counts: () => ({ attempts, fresh }),
  /** Sends a text to each room. @returns the number of copies that have not arrived in time */
  async missing(timeoutMs: number): Promise<number> {
    for (const client of clients) client.received = 0;
    const firsts = new Map(clients.map((client) => [client.room, client]));
    for (const [room, client] of firsts) client.send(messageText(room, 0, 0, leastSize));
    const missing = () => clients.filter(({ received }) => received !== 1).length;
    await waitFor(() => missing() === 0, timeoutMs);
    return missing();
  },
};
export type ClientTasks = typeof tasks;

serveTasks(tasks);
