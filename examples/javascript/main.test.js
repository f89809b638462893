import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { connect, FrameRefused } from "greenroom/client";
import { WebSocket } from "ws";
import { room } from "./room.js";

test("a room carries texts, refuses wrong frames, and ends at SIGTERM", async () => {
  const server = spawn(process.execPath, ["main.js"], {
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface(server.stdout), "line");
  const [url] = /http:\S+/.exec(line);
  const tea = connect(room, { url, WebSocket, params: { room: "tea" }, validate: false });
  const said = tea.events("said");
  assert.deepEqual(await tea.ask("rename", { name: "Ada" }), { before: "Someone" });
  await tea.send("say", { text: "hello" });
  assert.deepEqual((await said.next()).value, { name: "Ada", text: "hello" });
  await assert.rejects(tea.ask("rename", { name: "" }), FrameRefused);
  await tea.close();
  server.kill("SIGTERM");
  assert.deepEqual(await once(server, "exit"), [0, null]);
});
