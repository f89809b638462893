import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRuntime, WebSocketConsumer } from "greenroom";

// A server with echoes, for a process with a small heap. GET /figures answers with its memory and counters.
// The argument is a JSON object of options.
class Echo extends WebSocketConsumer {
  override receive(text: string) {
    this.send(text);
  }
}

const runtime = createRuntime(JSON.parse(process.argv[2] ?? "{}"));
runtime.route("/ws", Echo);
const server = createServer((_, response) => {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  response.end(JSON.stringify({ heapUsed, arrayBuffers, size: runtime.size, ...runtime.counters() }));
});
runtime.attach(server);
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
