import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, type TestContext, test } from "node:test";
import { connect } from "greenroom/client";
import { WebSocket } from "ws";
import { contract } from "./contract.ts";

const server = spawn(process.execPath, ["--import", "tsx", "main.ts"], {
  env: { ...process.env, PORT: "0" },
  stdio: ["ignore", "pipe", "inherit"],
});
after(() => server.kill("SIGKILL"));
const [line] = await once(createInterface(server.stdout), "line");
const [url = ""] = /http:\S+/.exec(line) ?? [];

async function signIn(name: string): Promise<string> {
  const response = await fetch(`${url}/sign-in`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name }),
  });
  const [cookie = ""] = response.headers.getSetCookie();
  return cookie;
}

/** A `WebSocket` that sends a cookie, as a browser does. */
function withCookie(cookie: string) {
  return class extends WebSocket {
    constructor(url: string | URL, protocols?: string[]) {
      super(url, protocols, { headers: { cookie } });
    }
  };
}

/** Opens the board of a user with the client, until the test is over. */
async function join(t: TestContext, name: string) {
  const client = connect(contract, { url, WebSocket: withCookie(await signIn(name)) });
  t.after(() => client.close());
  return client;
}

test("a board refuses clients that are not signed in", async () => {
  const client = connect(contract, { url, WebSocket });
  const status = await new Promise((resolve) => {
    client.onStatus((status) => status.state === "closed" && resolve(status.status));
  });
  assert.equal(status, 401);
});

test("a note reaches each member of the board, and the notes of the HTTP server", async (t) => {
  const ada = await join(t, "ada");
  const bob = await join(t, "bob");
  const notes = bob.events("written");
  await bob.send("write", { text: "hello" });
  assert.deepEqual((await notes.next()).value, { id: 1, by: "bob", text: "hello" });
  await ada.send("write", { text: "welcome" });
  assert.deepEqual((await notes.next()).value, { id: 2, by: "ada", text: "welcome" });
  const response = await fetch(`${url}/notes`);
  assert.deepEqual(await response.json(), [
    { id: 1, by: "bob", text: "hello" },
    { id: 2, by: "ada", text: "welcome" },
  ]);
});

test("SIGTERM closes the sockets with 1012, and ends the process", async () => {
  const socket = new (withCookie(await signIn("ada")))(`${url}/ws/board`);
  await once(socket, "open");
  server.kill("SIGTERM");
  const [[code], [exitCode]] = await Promise.all([once(socket, "close"), once(server, "exit")]);
  assert.equal(code, 1012);
  assert.equal(exitCode, 0);
});
