// Environment: PORT, or LISTEN_FDS, with which systemd hands over a socket.
import { once } from "node:events";
import { createServer } from "node:http";
import { createRuntime, WebSocketConsumer } from "greenroom";

/** Sends back each text, with the number of the process. */
class Echo extends WebSocketConsumer {
  receive(text) {
    this.send(`${process.pid} ${text}`);
  }
}

const runtime = createRuntime();
runtime.route("/ws/echo", Echo);

const server = createServer((request, response) => {
  if (request.url === "/readyz") {
    const { ok, status } = runtime.health();
    response.writeHead(ok ? 200 : 503).end(`${status}\n`);
  } else if (!runtime.handleRequest(request, response)) response.writeHead(404).end();
});

await runtime.ready();
runtime.attach(server, { closeServer: true });
const { PORT = "8080", LISTEN_FDS } = process.env;
server.listen(LISTEN_FDS === undefined ? { port: Number(PORT), backlog: 4_096 } : { fd: 3 });
await once(server, "listening");
process.send?.("ready"); // PM2 waits for this

async function close() {
  await runtime.close({ drainMs: 8_000 });
  process.disconnect?.(); // the channel to PM2 would keep the process
}
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => void close());
