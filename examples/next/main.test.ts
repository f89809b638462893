import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { connect } from "greenroom/client";
import { WebSocket } from "ws";
import { room } from "./room.ts";

const servers: ChildProcess[] = [];
after(() => {
  for (const server of servers) server.kill("SIGKILL");
});

async function start(mode: "development" | "production") {
  const server = spawn(process.execPath, ["--import", "tsx", "server.ts"], {
    env: { ...process.env, NODE_ENV: mode, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  servers.push(server);
  const url = await new Promise<string>((resolve) => {
    createInterface(server.stdout).on("line", (line) => {
      const [url] = /http:\/\/localhost:\d+/.exec(line) ?? [];
      if (url) resolve(url);
    });
  });
  return { server, url };
}

async function chat(url: string) {
  const client = connect(room, { url, WebSocket, params: { room: "tea" } });
  const said = client.events("said");
  for (const text of ["hello", "still here"]) {
    await client.send("say", { text });
    assert.equal((await said.next()).value?.text, text);
  }
  await client.close();
}

for (const mode of ["production", "development"] as const) {
  test(`Next serves its pages and Greenroom its room in ${mode}`, async () => {
    const { server, url } = await start(mode);
    assert.match(await (await fetch(url)).text(), /Room of tea/);
    assert.match(await (await fetch(`${url}/any/page`)).text(), /any\/page/);
    await chat(url);
    if (mode === "development") {
      const hmr = new WebSocket(`${url}/_next/hmr`, { origin: url });
      await once(hmr, "message");
      await chat(url);
      hmr.terminate();
    }
    server.kill("SIGTERM");
    assert.deepEqual(await once(server, "exit"), [0, null]);
  });
}
