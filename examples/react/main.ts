// The server in production: the page that Vite has built, and the rooms.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import sirv from "sirv";
import { routes } from "./server/routes.ts";
import { createRooms } from "./server/runtime.ts";

const files = sirv("dist");
const server = createServer((request, response) =>
  files(request, response, () => {
    response.writeHead(404).end("There is nothing at this path\n");
  }),
);
const runtime = createRooms();
routes(runtime);
await runtime.ready();
runtime.attach(server, { closeServer: true });
server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`Listening on http://localhost:${(server.address() as AddressInfo).port}`);
});
process.once("SIGTERM", () => void runtime.close());
