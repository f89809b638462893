// The custom server of Next, with the runtime beside it.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { contractConsumer, createRuntime, frames, handlers, MemoryLayer, relay } from "greenroom";
import next from "next";
import { room } from "./room.ts";

class Room extends contractConsumer(room)<{ messages: { said: { text: string } } }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Room>({ said: relay });
  static override readonly frames = frames<Room>({
    say({ text }) {
      return this.groupSend(this.#group, { type: "said", text });
    },
  });
  readonly #group = `room_${this.scope.params.room}`;

  override async connect() {
    await this.groupAdd(this.#group);
  }
}

const server = createServer();
const port = Number(process.env.PORT ?? 3000);
const app = next({
  dev: process.env.NODE_ENV !== "production",
  httpServer: server,
  hostname: "localhost",
  port,
});
await app.prepare();
const handle = app.getRequestHandler();
server.on("request", (request, response) => void handle(request, response));

const runtime = createRuntime({ layers: { chat: new MemoryLayer() } });
runtime.route(Room);
await runtime.ready();
// Next ends the sockets of paths that a page matches, here those of app/[...page].
runtime.attach(server, { exclusive: true });
server.listen(port, () => {
  console.log(`Listening on http://localhost:${(server.address() as AddressInfo).port}`);
});
process.once("SIGTERM", async () => {
  await runtime.close();
  await app.close();
  process.exit(); // the development server of Next keeps watching files
});
