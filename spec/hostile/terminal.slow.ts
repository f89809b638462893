import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { bundled } from "../support/bundled.ts";
import { type RunningProcess, startProcess } from "../support/child-process.ts";
import { Client } from "../support/client.ts";
import { freePort } from "../support/free-port.ts";
import { RawClient } from "../support/raw-client.ts";
import { destroyRawWebSockets, encodeFrame, Opcode, RawWebSocket } from "../support/raw-websocket.ts";
import { writeReadmeFiles } from "../support/readme-files.ts";
import { pauses } from "../support/waiting.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Clears the screen, sets the title, reorders text, begins a line; as C0 and as C1. */
const evil =
  "\u001b[2J\u001b]0;owned\u0007\u009b31m\u009d0;owned\u009c\u007f\b\r\u202eevil\u2066\u2028\u2029forged";
const raw = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

describe("Control characters of clients", function () {
  this.timeout(60_000);
  let folder: string;
  let running: RunningProcess | undefined;
  let printed: string[] = [];
  let url = "";

  before(async () => {
    folder = await mkdtemp(join(root, ".tmp-terminal-"));
  });
  after(() => rm(folder, { recursive: true }));
  afterEach(async () => {
    await destroyRawWebSockets();
    if (running?.isRunning) process.kill(running.pid, "SIGKILL");
    await running?.silent;
  });

  /** Starts a program, which is ready once it has printed a line that begins with `lastWords`. */
  async function start(program: string, lastWords: string, settings: object = {}): Promise<void> {
    printed = [];
    const isReady = (line: string) => printed.push(line) > 0 && line.startsWith(lastWords);
    running = await startProcess(process.execPath, [await bundled(program)], isReady, {
      ...process.env,
      ...settings,
    });
    url = /http:\/\/localhost:\d+/.exec(printed.join("\n"))?.[0] ?? "";
  }

  /** Sends {@link evil} in all that a client of `path` can choose. */
  async function attack(path: string): Promise<void> {
    const encoded = encodeURIComponent(evil);
    for (const target of [`/${encoded}`, `${path}/${encoded}`, `/ws/room/${encoded}`, `${path}?${encoded}`])
      await (await RawWebSocket.open(url + target)).destroy();
    // Latin-1 takes the C1 characters as they are. Node refuses the others in a header.
    const c1 = "\u009b31m\u009d0;owned\u009c";
    for (const headers of [
      { "Sec-WebSocket-Protocol": `a, ${c1}` },
      { Origin: `http://${c1}` },
      { Cookie: c1, "User-Agent": c1 },
    ]) {
      const lines = Object.entries({ ...upgrade, ...headers }).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      );
      const client = await RawClient.open(url, `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
      await client.until(/HTTP\/1\.1 \d+/);
      client.socket.destroy();
    }
    await (await RawClient.open(url, `GET /${evil} HTTP/1.1\r\n${evil}\r\n\r\n`)).rest();
    for (const frame of [
      evil,
      JSON.stringify({ type: evil, text: evil }),
      JSON.stringify({ type: "say", text: "x", id: evil }),
      JSON.stringify({ type: "say", text: { [evil]: evil } }),
      JSON.stringify({ type: "translate", content: evil }),
      `{"type":"say",${evil}`,
      Buffer.from(evil),
    ]) {
      const client = await Client.open(url + path);
      client.send(frame);
      await client.close(4_000, evil.slice(0, 60));
    }
    const broken = await RawWebSocket.open(url + path);
    broken.send(Opcode.close, Buffer.concat([Buffer.from([0x0f, 0xa0]), Buffer.from("\u001b[2J\u009b")]));
    broken.socket.write(encodeFrame(3, evil));
    await broken.rest();
  }

  const upgrade = {
    Host: "localhost",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  };

  async function end(): Promise<string> {
    if (running) process.kill(running.pid, "SIGTERM");
    await running?.exited;
    await running?.silent;
    return printed.join("\n");
  }

  it("do not reach the terminal of the demo, at any level of its log", async () => {
    const settings = { PORT: "0", LOG_LEVEL: "trace", DRAIN_MS: "100" };
    await start(join(root, "demo/main.ts"), "Jobs: ", settings);
    const bystander = await Client.open(`${url}/ws/system`);
    for (const path of ["system", "talk/tea", "backgroundjob", "notifications", "presence/tea", "chat"])
      await attack(`/ws/${path}`);
    bystander.send("hello");
    expect((await bystander.take(2))[1]).to.equal("🔧 System Echo: hello");
    const said = await end();
    expect(said).to.contain("\\u001b[2J").and.contain("\\u009b").and.contain("\\u202e");
    expect(said.split("\n").find((line) => raw.test(line))).to.equal(undefined);
    const lines = printed.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    expect(lines.map(({ msg }) => msg)).to.include.members(["connection.refused", "connection.closed"]);
  });

  it("do not reach the terminal of the example in the README, whose errors become warnings", async () => {
    const port = await freePort();
    const ready = `console.log("ready at http://localhost:${port}");\n`;
    await writeReadmeFiles(folder, (code) => {
      const failing = code.replace("return this.groupSend", "throw new Error(text); return this.groupSend");
      return failing.replace("8080", `${port}`) + ready;
    });
    await start(join(folder, "server.ts"), "ready");
    const bystander = await Client.open(`${url}/ws/room/tea`);
    // The first warning of several within 5 s is shown. On a busy machine, it may be about a slow handler.
    const pause = pauses(200);
    do {
      bystander.send(JSON.stringify({ type: "say", text: `${evil}\nforged` }));
      expect(await bystander.next()).to.contain("greenroom.failed");
      await pause();
    } while (!printed.some((line) => line.includes("\\u001b[2J")));
    await attack("/ws/room/tea");
    bystander.send(JSON.stringify({ type: "say", text: "still here" }));
    expect(JSON.parse(String(await bystander.next()))).to.have.property("code", "greenroom.failed");
    const said = await end();
    expect(said).to.contain("GreenroomWarning: ").and.contain("\\u001b[2J").and.contain("\\u009b");
    expect(said.split("\n").find((line) => raw.test(line) || line.startsWith("forged"))).to.equal(undefined);
  });
});
