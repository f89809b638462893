import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { WebSocket } from "ws";

const run = promisify(execFile);

/** The reason to skip a test that needs a program of Debian's package systemd. */
function lacks(program) {
  try {
    accessSync(`/usr/bin/${program}`);
    return false;
  } catch {
    return `${program} is not installed: it is in Debian's package systemd`;
  }
}

test("systemd takes the units, and finds them well protected", {
  skip: lacks("systemd-analyze"),
}, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "units-"));
  context.after(() => rmSync(folder, { recursive: true }));
  // An instance of its own, because the instance is the port.
  const units = ["service", "socket"].map((type) => {
    const unit = join(folder, `greenroom@8080.${type}`);
    copyFileSync(`systemd/greenroom@.${type}`, unit);
    return unit;
  });
  const { stdout, stderr } = await run("systemd-analyze", ["verify", "--man=no", ...units]);
  assert.equal(stdout + stderr, "");
  // 0 is best, 100 is worst.
  await run("systemd-analyze", ["security", "--offline=true", "--threshold=20", "--no-pager", units[0]]);
});

test("the server takes the socket of systemd", {
  timeout: 60_000,
  skip: lacks("systemd-socket-activate"),
}, async () => {
  // Below the ports that the system gives to outgoing connections.
  const port = 10_000 + Math.floor(Math.random() * 22_000);
  const args = ["--listen", `127.0.0.1:${port}`, "--setenv", "PORT=1", process.execPath, "server.js"];
  const activator = spawn("systemd-socket-activate", args, { stdio: ["ignore", "inherit", "pipe"] });
  const exited = once(activator, "exit");
  await once(activator.stderr, "data"); // it listens
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/echo`); // starts the server
  await once(socket, "open");
  socket.send("hello");
  const [answer] = await once(socket, "message");
  assert.equal(String(answer), `${activator.pid} hello`);
  activator.kill("SIGTERM");
  const [code] = await once(socket, "close");
  assert.equal(code, 1012);
  assert.deepEqual(await exited, [0, null]);
});
