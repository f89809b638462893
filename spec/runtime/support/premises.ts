import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createRuntime, type RuntimeOptions } from "greenroom";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { unlessByMachine } from "../../support/serving.ts";
import { CountedLayer } from "./counted-layer.ts";
import { CountingClock } from "./counting-clock.ts";
import { Guestbook, guests } from "./guests.ts";

const events = ["uncaughtException", "unhandledRejection", "exit", "SIGTERM", "warning"];

/** Starts a server for guests that counts every resource that an exit could leave behind. */
export async function openPremises(options: Partial<RuntimeOptions<{ chat: CountedLayer }>> = {}) {
  const chat = new CountedLayer();
  const clock = new CountingClock();
  const book = new Guestbook();
  const failures: string[] = [];
  const runtime = createRuntime({
    layers: { chat },
    clock,
    onError: unlessByMachine((error, { stage }) => failures.push(`${stage}: ${(error as Error).message}`)),
    ...options,
  });
  const { Guest, GuestMachine } = guests(book);
  runtime.route("/class", Guest);
  runtime.route("/machine", GuestMachine);
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  runtime.attach(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  /** The current resources of the server. */
  const census = () => ({
    actors: runtime.size,
    timers: clock.timers,
    children: book.children,
    topics: chat.topics,
    sockets: sockets.size,
    listeners: [
      ...events.map((event) => process.listenerCount(event)),
      ...["upgrade", "request"].map((event) => server.listenerCount(event)),
    ],
  });

  return {
    runtime,
    server,
    url,
    chat,
    clock,
    book,
    failures,
    sockets,
    Guest,
    GuestMachine,
    census,
    /** Waits until the census equals `before`. */
    async returned(before: ReturnType<typeof census>): Promise<void> {
      const wanted = JSON.stringify(before);
      await until(() => JSON.stringify(census()) === wanted);
    },
    /** Connects a guest, and waits until it has joined. */
    async enter(kind: string, clientOptions: object = {}): Promise<Client> {
      const client = await Client.open(`${url}/${kind}`, [], clientOptions);
      await client.next();
      return client;
    },
    async close(): Promise<void> {
      await runtime.close({ drainMs: 1_000 });
      server.close();
      server.closeAllConnections();
    },
  };
}

export type Premises = Awaited<ReturnType<typeof openPremises>>;
