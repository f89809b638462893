import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRuntime, WebSocketConsumer } from "greenroom";

// A server with echoes, for a process with a small heap. GET /figures and the frame "figures" give its memory and
// counters.
// The argument is a JSON object of options.
class Echo extends WebSocketConsumer {
  override receive(text: string) {
    this.send(text === "figures" ? figures() : text);
  }
}

const runtime = createRuntime(JSON.parse(process.argv[2] ?? "{}"));
runtime.route("/ws", Echo);
const server = createServer((_, response) => response.end(figures()));

function figures(): string {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return JSON.stringify({ heapUsed, arrayBuffers, rss, size: runtime.size, ...runtime.counters() });
}

runtime.attach(server);
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
