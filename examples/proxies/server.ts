// One of the processes behind the proxy. Environment: PORT, REDIS_URL.
import { once } from "node:events";
import { createServer } from "node:http";
import { createRuntime } from "greenroom";
import { RedisStreamsLayer } from "greenroom/redis";
import { Chat } from "./chat.ts";

const { PORT = "8080", REDIS_URL: url = "redis://localhost:6379" } = process.env;
const runtime = createRuntime({
  // The history keeps what all clients say while one of them reconnects.
  layers: { chat: new RedisStreamsLayer({ url, prefix: "proxies-example", capacity: 10_000 }) },
  trustProxy: "loopback",
});
runtime.route(Chat);

const server = createServer((request, response) => {
  if (request.url === "/readyz") {
    const { ok, status } = runtime.health();
    response.writeHead(ok ? 200 : 503).end(`${status}\n`);
  } else if (!runtime.handleRequest(request, response)) response.writeHead(404).end();
});

await runtime.ready();
runtime.attach(server, { closeServer: true });
await once(server.listen(Number(PORT), "127.0.0.1"), "listening");

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => runtime.close({ drainMs: 3_000 }));
}
