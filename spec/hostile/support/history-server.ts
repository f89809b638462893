// A server whose clients choose groups freely. Its argument holds options of its memory layer and bus.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  createRuntime,
  handlers,
  JsonWebSocketConsumer,
  MemoryBus,
  MemoryLayer,
  UnsupportedError,
  WebSocketConsumer,
} from "greenroom";

const { bus, ...options } = JSON.parse(process.argv[2] ?? "{}");
const layer = new MemoryLayer<{ note: { note: string } }>({ ...options, bus: new MemoryBus(bus) });

/** Sends each text to the group that the text begins with. Echoes a text without a group. */
class Rooms extends WebSocketConsumer<{ messages: { note: { note: string } } }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Rooms>({ note() {} });
  override async receive(text: string) {
    const [group = "", note] = text.split(" ");
    if (note === undefined) this.send(text);
    else await this.groupSend(group, { type: "note", note });
  }
}

/** Reports the memory of the process in bytes, and the stored messages of a group. */
class Gauge extends JsonWebSocketConsumer {
  override async receive(group: unknown) {
    gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const entries = await layer.history(String(group), { limit: 1_000 }).then(
      (history) => history.entries.length,
      (error) => (error instanceof UnsupportedError ? "none" : String(error)),
    );
    this.sendJson({ bytes: heapUsed + arrayBuffers, entries });
  }
}

const runtime = createRuntime({
  layers: { chat: layer },
  maxFrameBurst: 10_000_000,
  maxByteBurst: 2 ** 31 - 1,
});
runtime.route("/ws/rooms", Rooms);
runtime.route("/ws/gauge", Gauge);
const server = createServer();
runtime.attach(server);
server.listen(0);
await once(server, "listening");
process.stdout.write(`Listening: http://localhost:${(server.address() as AddressInfo).port}\n`);
process.once("SIGTERM", async () => {
  await runtime.close();
  server.close();
});
