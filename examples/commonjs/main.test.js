const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const { once } = require("node:events");
const { createInterface } = require("node:readline");
const { test } = require("node:test");
const { connect } = require("greenroom/client");
const { communicate } = require("greenroom/testing");
const { WebSocket } = require("ws");
const { board } = require("./board.js");

test("a note reaches each client, and SIGTERM ends the process", async () => {
  const server = spawn(process.execPath, ["main.js"], {
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface(server.stdout), "line");
  const [url] = /http:\S+/.exec(line);
  const [ada, bob] = [connect(board, { url, WebSocket }), connect(board, { url, WebSocket })];
  const notes = bob.events("written");
  await bob.send("write", { text: "hello" });
  assert.equal((await notes.next()).value.text, "hello");
  await ada.send("write", { text: "welcome" });
  assert.equal((await notes.next()).value.text, "welcome");
  await Promise.all([ada.close(), bob.close()]);
  server.kill("SIGTERM");
  assert.deepEqual(await once(server, "exit"), [0, null]);
});

test("require and import give the same objects", async () => {
  const imported = await import("greenroom");
  assert.equal(imported.createRuntime, require("greenroom").createRuntime);
  assert.equal(typeof communicate, "function");
});
