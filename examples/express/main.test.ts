import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, type TestContext, test } from "node:test";
import { connect } from "greenroom/client";
import { WebSocket } from "ws";
import { contract } from "./contract.ts";

const servers = await Promise.all(process.env.REDIS_URL ? [start(), start()] : [start()]);
const [{ url, server }] = servers as [Awaited<ReturnType<typeof start>>];
after(() => {
  for (const { server } of servers) server.kill("SIGKILL");
});

async function start() {
  const server = spawn(process.execPath, ["--import", "tsx", "main.ts"], {
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface(server.stdout), "line");
  const [url = ""] = /http:\S+/.exec(line) ?? [];
  return { server, url };
}

async function signIn(name: string, at = url): Promise<string> {
  const response = await fetch(`${at}/sign-in`, {
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

/** Opens the board of a user on each server, without the client, which would connect anew. */
async function open(name: string): Promise<{ readonly sockets: WebSocket[]; readonly cookie: string }> {
  const cookies = await Promise.all(servers.map(({ url }) => signIn(name, url)));
  const sockets = servers.map(({ url }, index) => new (withCookie(cookies[index] ?? ""))(`${url}/ws/board`));
  await Promise.all(sockets.map((socket) => once(socket, "open")));
  return { sockets, cookie: cookies[0] ?? "" };
}

const codesOf = (sockets: WebSocket[]) =>
  Promise.all(sockets.map(async (socket) => (await once(socket, "close"))[0]));

test("the page and the client are there", async () => {
  for (const path of ["/", "/page.js", "/client.js"]) {
    const response = await fetch(url + path);
    assert.equal(response.status, 200);
    await response.text();
  }
});

/** Opens the board of a user with the client, until the test is over. */
async function join(t: TestContext, name: string) {
  const client = connect(contract, { url, WebSocket: withCookie(await signIn(name)) });
  t.after(() => client.close());
  return client;
}

test("a sign-in without a name is refused, and the server goes on", async () => {
  const response = await fetch(`${url}/sign-in`, { method: "POST" });
  assert.equal(response.status, 400);
  const page = await fetch(url);
  assert.equal(page.status, 200);
  await page.text();
});

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

test("signing out closes all boards of the user, on all nodes, and no others", async () => {
  const ada = await open("ada");
  const bob = await open("bob");
  const closed = codesOf(ada.sockets);
  await fetch(`${url}/sign-out`, { method: "POST", headers: { cookie: ada.cookie } });
  assert.deepEqual(
    await closed,
    servers.map(() => 4001),
  );
  const me = await fetch(`${url}/me`, { headers: { cookie: ada.cookie } });
  assert.equal(me.status, 401);
  for (const socket of bob.sockets) {
    socket.ping();
    await once(socket, "pong");
    socket.terminate();
  }
});

test("SIGTERM closes the sockets with 1012, and ends the process", async () => {
  const { sockets } = await open("ada");
  server.kill("SIGTERM");
  const [[code], [exitCode]] = await Promise.all([codesOf(sockets.slice(0, 1)), once(server, "exit")]);
  assert.equal(code, 1012);
  assert.equal(exitCode, 0);
});
