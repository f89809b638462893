import { createServer } from "node:http";
import { contractConsumer, createRuntime, frames, handlers, MemoryLayer, relay } from "greenroom";
import { room } from "./room.js";

class Room extends contractConsumer(room) {
  static layer = "chat";
  static on = handlers({ said: relay });
  static frames = frames({
    say({ text }) {
      return this.groupSend(this.group, { type: "said", name: this.name, text });
    },
    rename({ name }) {
      const before = this.name;
      this.name = name;
      return { before };
    },
  });

  name = "Someone";
  group = `room_${this.scope.params.room}`;

  async connect() {
    await this.groupAdd(this.group);
  }
}

const runtime = createRuntime({ layers: { chat: new MemoryLayer() } });
runtime.route(Room);
await runtime.ready();
const server = createServer();
runtime.attach(server, { closeServer: true });
server.listen(process.env.PORT ?? 3000, () => {
  console.log(`Listening on http://localhost:${server.address().port}`);
});
process.once("SIGTERM", () => runtime.close());
