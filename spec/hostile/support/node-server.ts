// A node on Redis with presence and a WebSocket server. Arguments: the address of Redis and the prefix.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createRuntime, JsonWebSocketConsumer, WebSocketConsumer } from "greenroom";
import { RedisPubSubLayer } from "greenroom/redis";

const [url = "", prefix = ""] = process.argv.slice(2);
const layers = { chat: new RedisPubSubLayer({ url, prefix }) };
const runtime = createRuntime({ layers, nodeHeartbeatMs: 1_000, onError() {} });
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

class Echo extends WebSocketConsumer {
  static override readonly layer = "chat";
  override connect() {
    this.track("lobby", { name: "real" });
  }
  override receive(text: string) {
    this.send(text);
  }
}

/** Reports the memory in bytes, the longest pause of the event loop since the last report, and the presences. */
class Gauge extends JsonWebSocketConsumer {
  override receive() {
    const longestPauseMs = delay.max / 1e6;
    gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    this.sendJson({
      bytes: heapUsed + arrayBuffers,
      heapUsed,
      arrayBuffers,
      longestPauseMs,
      nodes: runtime.nodes.length,
      lobby: runtime.presenceCount("lobby"),
      crowd: runtime.presenceCount("crowd"),
      dropped: runtime.counters().dropped,
    });
    setImmediate(() => delay.reset());
  }
}

runtime.route("/ws/echo", Echo);
runtime.route("/ws/gauge", Gauge);
const server = createServer();
runtime.attach(server);
server.listen(0);
await once(server, "listening");
await runtime.ready();
process.stdout.write(`Listening: http://localhost:${(server.address() as AddressInfo).port}\n`);
process.once("SIGTERM", async () => {
  await runtime.close();
  server.close();
});
