// Environment: PORT, DATABASE_URL (or FOLDER, the folder of the database in this process).
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { createAdaptorServer } from "@hono/node-server";
import { build } from "esbuild";
import { createRuntime, type Guard, MemoryLayer, originGuard } from "greenroom";
import { Board, groupOf } from "./board.ts";
import { openDatabase } from "./database.ts";
import { createApp } from "./http.ts";
import { Posts } from "./posts.ts";

const { PORT = "8080", DATABASE_URL, FOLDER = "data" } = process.env;
const db = await openDatabase(DATABASE_URL, FOLDER);
const posts = new Posts(db);

const signedIn: Guard<string> = ({ cookies: { name } }) =>
  name ? { user: name } : { status: 401, reason: "Sign in first" };
const runtime = createRuntime({
  layers: { forum: new MemoryLayer() },
  services: { posts },
  guards: [originGuard(), signedIn],
});
runtime.route(Board);
await runtime.ready();

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL("page/page.ts", import.meta.url))],
  bundle: true,
  format: "esm",
  minify: true,
  write: false,
});
const html = readFileSync(new URL("page/index.html", import.meta.url), "utf8");
const script = outputFiles[0]?.text ?? "";

// After each change, a message to a group brings it to every page that shows it.
const { forum } = runtime.layers;
const app = createApp(
  posts,
  { html, script },
  {
    topic: (topic) => forum.groupSend("topics", { type: "topic", ...topic }),
    post: (post) => forum.groupSend(groupOf(post.topic), { type: "post", ...post }),
    score: ({ id, topic, score }) => forum.groupSend(groupOf(topic), { type: "score", id, topic, score }),
  },
);
const server = createAdaptorServer({ fetch: app.fetch });
runtime.attach(server, { closeServer: true });
await once(server.listen(Number(PORT)), "listening");
process.stdout.write(`http://localhost:${(server.address() as AddressInfo).port}\n`);

async function close() {
  await runtime.close({ drainMs: 5_000 });
  await db.close(); // handlers use it until here
}
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void close());
