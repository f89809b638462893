import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, rename, writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { connect } from "greenroom/client";
import { createServer } from "vite";
import { WebSocket } from "ws";
import { room } from "./contract.ts";

const file = new URL("server/room.ts", import.meta.url);
const source = await readFile(file, "utf8");
const server = await createServer({ server: { port: 0 }, logLevel: "error" });
await server.listen();
const url = server.resolvedUrls?.local[0] ?? "";
after(async () => {
  await server.close();
  await write(source);
});

/** Vite sees all of the new text at once. */
async function write(text: string): Promise<void> {
  const draft = new URL("room.ts.draft", file);
  await writeFile(draft, text);
  await rename(draft, file);
}

test("an edited consumer greets the clients that are connected, without a restart", async () => {
  const client = connect(room, { url, WebSocket, params: { room: "tea" } });
  const said = client.events("said");
  assert.equal((await said.next()).value?.text, "Welcome");
  await write(source.replace('"Welcome"', '"Good evening"'));
  assert.equal((await said.next()).value?.text, "Good evening");
  await client.send("say", { text: "hello" });
  assert.equal((await said.next()).value?.text, "hello");
  await client.close();
});

test("Vite serves the page, and keeps its own WebSocket", async () => {
  assert.match(await (await fetch(url)).text(), /@vite\/client/);
  assert.match(await (await fetch(`${url}page.ts`)).text(), /contract\.ts/);
  const hmr = new WebSocket(`${url}?token=${server.config.webSocketToken}`, "vite-hmr");
  const [data] = await once(hmr, "message");
  assert.equal(JSON.parse(String(data)).type, "connected");
  hmr.close();
});
