import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connect } from "greenroom/client";
import { WebSocket } from "ws";

const run = promisify(execFile);
const home = mkdtempSync(join(tmpdir(), "pm2-")); // a daemon of its own
const ports = [await freePort(), await freePort()];

/** Returns a free port, below those that the system gives to outgoing connections. */
async function freePort() {
  for (;;) {
    const server = createServer().listen(10_000 + Math.floor(Math.random() * 22_000), "127.0.0.1");
    try {
      await once(server, "listening");
      return server.address().port;
    } catch {
      // It is in use.
    } finally {
      server.close();
    }
  }
}

async function pm2(...args) {
  const program = fileURLToPath(import.meta.resolve("pm2/bin/pm2"));
  const env = { ...process.env, PM2_HOME: home, PM2_CONCURRENT_ACTIONS: "1", PORTS: `${ports}` };
  const { stdout } = await run(process.execPath, [program, ...args], { env });
  return stdout;
}

const pidsOf = (list) => JSON.parse(list).map(({ pid }) => pid);

function isRunning(pid) {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", `${pid}`], { encoding: "utf8" });
  return stdout !== "" && !stdout.startsWith("Z"); // a zombie has ended
}

/** Resolves to the number of the process that serves a client. */
async function serverOf(client) {
  const text = await new Promise((resolve, reject) => {
    client.on("text", resolve);
    client.send("who?", { repeatable: true }).catch(reject);
  });
  return Number(text.split(" ")[0]);
}

/** Resolves to whether a server on this port is ready. */
async function isReady(port) {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
  return response?.ok === true;
}

test("PM2 reloads two processes one after the other, and leaves none behind", {
  timeout: 160_000,
}, async (context) => {
  const clients = [];
  context.after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await pm2("kill");
    rmSync(home, { recursive: true });
  });

  await pm2("start", "ecosystem.config.cjs");
  const pids = pidsOf(await pm2("jlist"));
  assert.deepEqual(await Promise.all(ports.map(isReady)), [true, true]);
  for (const each of ports) clients.push(connect({ url: `http://127.0.0.1:${each}/ws/echo`, WebSocket }));
  const serving = () => Promise.all(clients.map(serverOf));
  assert.deepEqual(await serving(), pids);

  // At each moment of the reload, one of the processes is ready.
  let isReloading = true;
  const reload = pm2("reload", "ecosystem.config.cjs").finally(() => {
    isReloading = false;
  });
  while (isReloading) {
    await new Promise((resolve) => setTimeout(resolve, 20)); // leaves the CPU to the processes
    const ready = await Promise.all(ports.map(isReady));
    assert.ok(ready.includes(true), "both processes are down");
  }
  await reload;
  const reloaded = pidsOf(await pm2("jlist"));
  assert.deepEqual(await serving(), reloaded);
  for (const pid of pids) assert.ok(!reloaded.includes(pid) && !isRunning(pid), `${pid} still runs`);

  const daemon = Number(readFileSync(join(home, "pm2.pid"), "utf8"));
  await pm2("delete", "all");
  await pm2("kill");
  for (const pid of [...reloaded, daemon]) assert.ok(!isRunning(pid), `${pid} still runs`);
});
