import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { connect } from "greenroom/client";
import { WebSocket } from "ws";
import { forum } from "./contract.ts";

const folder = mkdtempSync(join(tmpdir(), "forum-"));
let server: ChildProcess;
let url: string;

async function startServer(): Promise<void> {
  const started = spawn(process.execPath, ["--import", "tsx", "main.ts"], {
    env: { ...process.env, PORT: "0", FOLDER: join(folder, "data") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  server = started;
  [url] = (await once(createInterface(started.stdout), "line")) as [string];
}

async function stopServer(): Promise<void> {
  server.kill("SIGTERM");
  assert.deepEqual(await once(server, "exit"), [0, null]);
}

after(() => {
  server.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** Signs in as a page does, and connects with the cookie. */
async function signIn(name: string) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${url}/name`, { method: "PUT", headers, body: JSON.stringify({ name }) });
  const [cookie = ""] = response.headers.getSetCookie();
  const post = async (path: string, body: object) => {
    const options = { method: "POST", headers: { ...headers, cookie }, body: JSON.stringify(body) };
    const answer = await fetch(`${url}${path}`, options);
    return { status: answer.status, body: await answer.json() };
  };
  const client = connect(forum, {
    url,
    WebSocket: class extends WebSocket {
      constructor(address: string, protocols: string[]) {
        super(address, protocols, { headers: { cookie } });
      }
    },
  });
  return { client, post };
}

test("a forum", { timeout: 160_000 }, async (context) => {
  await startServer();

  await context.test("refuses those without a name", async () => {
    const status = await fetch(`${url}/topics`, { method: "POST", body: "{}" }).then(
      (answer) => answer.status,
    );
    assert.equal(status, 401);
    const client = connect(forum, { url, WebSocket });
    const refusal = await new Promise((resolve) => {
      client.onStatus((status) => status.state === "closed" && resolve(status.status));
    });
    assert.equal(refusal, 401);
  });

  await context.test("serves the page and its script", async () => {
    assert.match(await (await fetch(url)).text(), /<title>Forum/);
    assert.match(await (await fetch(`${url}/page.js`)).text(), /ws\/forum/);
  });

  await context.test("shows both clients what one of them changes over HTTP", async () => {
    const [ada, bob] = await Promise.all([signIn("Ada"), signIn("Bob")]);
    const clients = [ada.client, bob.client];
    await Promise.all(clients.map((client) => client.ask("list", {})));

    const topics = clients.map((client) => client.events("topic"));
    const { body: topic } = await ada.post("/topics", { title: "Tea" });
    for (const each of topics) assert.deepEqual((await each.next()).value, topic);

    for (const client of clients) assert.deepEqual(await client.ask("open", { topic: topic.id }), []);
    const posts = clients.map((client) => client.events("post"));
    const { body: post } = await bob.post(`/topics/${topic.id}/posts`, { text: "Green" });
    for (const each of posts) assert.deepEqual((await each.next()).value, post);

    const scores = clients.map((client) => client.events("score"));
    for (const [voter, value, score] of [
      [ada, 1, 1],
      [bob, 1, 2],
      [bob, -1, 0], // takes the place of the first vote
    ] as const) {
      await voter.post(`/posts/${post.id}/votes`, { value });
      const expected = { id: post.id, topic: topic.id, score };
      for (const each of scores) assert.deepEqual((await each.next()).value, expected);
    }
    await ada.post(`/posts/${post.id}/votes`, { value: 1 });
    await bob.post(`/posts/${post.id}/votes`, { value: 1 });

    assert.equal((await ada.post("/topics", { title: " " })).status, 400);
    assert.equal((await ada.post(`/topics/${topic.id + 1}/posts`, { text: "Where?" })).status, 404);
    await Promise.all(clients.map((client) => client.close()));
  });

  await context.test("keeps topics, posts and votes when it restarts", async () => {
    await stopServer();
    await startServer();
    const { client } = await signIn("Carl");
    const [topic] = await client.ask("list", {});
    assert.equal(topic?.title, "Tea");
    const posts = await client.ask("open", { topic: topic?.id ?? 0 });
    assert.deepEqual(
      posts.map(({ author, text, score }) => ({ author, text, score })),
      [{ author: "Bob", text: "Green", score: 2 }],
    );
    await client.close();
    await stopServer();
  });
});
