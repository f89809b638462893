import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { contractConsumer, createRuntime, frames, handlers, MemoryLayer, relay } from "greenroom";
import { contract } from "greenroom/contract";
import * as z from "zod";

// The room chat of the README with larger texts, in a process of its own. GET / answers with its counters.
const room = contract({
  path: "/ws/room/:name",
  params: z.object({ name: z.string().regex(/^[\w.-]{1,90}$/) }),
  client: { say: z.object({ text: z.string().min(1).max(65_000) }) },
  server: { said: z.object({ text: z.string() }) },
});

class Room extends contractConsumer(room)<{ messages: { said: { text: string } } }> {
  static override readonly layer = "chat";
  static override readonly frames = frames<Room>({
    say({ text }) {
      return this.groupSend(this.#group, { type: "said", text });
    },
  });
  static override readonly on = handlers<Room>({ said: relay });
  readonly #group = `room_${this.scope.params.name}`;

  override async connect() {
    await this.groupAdd(this.#group);
  }
}

const runtime = createRuntime({ layers: { chat: new MemoryLayer() } });
runtime.route(Room);
const server = createServer((_, response) => {
  response.end(JSON.stringify({ size: runtime.size, ...runtime.counters() }));
});
runtime.attach(server);
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
