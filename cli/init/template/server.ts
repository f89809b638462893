import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRuntime, MemoryLayer } from "greenroom";
import { RedisPubSubLayer } from "greenroom/redis";
import { pageFiles } from "./page-files.ts";
import { Room } from "./room.ts";

const { PORT = "8080", REDIS_URL: url, DRAIN_MS = "8000", NODE_ENV } = process.env;

// In memory, each process has rooms of its own. On Redis, all processes share the rooms.
const chat = url ? new RedisPubSubLayer({ url, prefix: "my-greenroom-app" }) : new MemoryLayer();
const runtime = createRuntime({ layers: { chat } });
runtime.route(Room);

const file = pageFiles("dist/page", { isCached: NODE_ENV !== "development" });
export const server = createServer((request, response) => {
  const [path = "/"] = request.url?.split("?") ?? [];
  const found = file(path);
  if (path === "/livez") response.end("ok\n");
  else if (path === "/readyz") {
    const { ok, status } = runtime.health();
    response.writeHead(ok ? 200 : 503).end(`${status}\n`);
  } else if (found) response.setHeader("Content-Type", found.type).end(found.content);
  else if (!runtime.handleRequest(request, response)) response.writeHead(404).end("Not found\n");
});

await runtime.ready(); // rejects if Redis does not answer
runtime.attach(server, { closeServer: true });
server.listen(Number(PORT));
await once(server, "listening");
console.log(`Open http://localhost:${(server.address() as AddressInfo).port}`);

const close = () => void runtime.close({ drainMs: Number(DRAIN_MS) }); // closes the server, too
// Under npm, Ctrl+C arrives twice. Without a listener, the second signal would kill the process.
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, close);
