import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { bundled } from "../support/bundled.ts";
import { type RunningProcess, run, startProcess } from "../support/child-process.ts";
import { Client } from "../support/client.ts";
import { whileRunning } from "./support/while-running.ts";

const main = fileURLToPath(new URL("../../demo/main.ts", import.meta.url));
const descriptors = 128;
const requests = 2_000;

// The demo opened a file for each request. Unread responses kept these files open, until opening another one
// failed with EMFILE and ended the process.
describe("A client of the demo that pipelines requests and reads no response", function () {
  this.timeout(60_000);
  let demo: RunningProcess;
  let url: string;
  const sockets: Socket[] = [];

  before(async () => {
    const command = `ulimit -n ${descriptors} && exec "$0" "$@"`;
    const args = ["-c", command, process.execPath, await bundled(main)];
    const { REDIS_URL: _, ...env } = process.env;
    const isReady = (line: string) => {
      url = /^Greenroom demo: (.*)$/.exec(line)?.[1] ?? url;
      return line.startsWith("Jobs: ");
    };
    demo = await startProcess("sh", args, isReady, { ...env, PORT: "0" });
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    if (demo.isRunning) process.kill(demo.pid, "SIGTERM");
    expect(await demo.exited).to.deep.equal([0, null]);
  });

  /** Resolves once the server has received all requests. */
  async function flood(path: string): Promise<Socket> {
    const socket = connect(Number(new URL(url).port), "127.0.0.1").pause();
    sockets.push(socket);
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(requests));
    return socket;
  }

  async function residentBytes(): Promise<number> {
    const { stdout } = await run("ps", ["-o", "rss=", "-p", String(demo.pid)]);
    return Number(stdout) * 1024;
  }

  it("does not affect another client, and occupies little memory", async () => {
    const bystander = await Client.open(`${url}/ws/system`);
    await bystander.next();
    await fetch(url);
    const before = await residentBytes();
    for (const path of ["/", "/style.css", "/inspect", "/healthz", "/nothing"]) {
      for (let n = 0; n < 4; n += 1) await flood(path);
    }
    for (let n = 0; n < 20; n += 1) {
      bystander.send(`hello ${n}`);
      expect(await whileRunning(demo, bystander.next())).to.equal(`🔧 System Echo: hello ${n}`);
      const page = await fetch(url);
      expect([page.status, (await page.text()).includes("Greenroom")]).to.deep.equal([200, true]);
    }
    // Memory that the garbage collector has not freed yet counts, too. Requests make it run.
    while ((await residentBytes()) - before >= 64 * 1024 * 1024) await whileRunning(demo, fetch(url));
    expect(demo.isRunning).to.equal(true);
  });

  it("gets at most 100 responses with content on one socket", async () => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    sockets.push(socket);
    socket.write("GET /favicon.svg HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200));
    let received = "";
    socket.setEncoding("utf8").on("data", (text) => {
      received += text;
    });
    await once(socket, "close");
    expect(received.match(/HTTP\/1\.1 200 OK/g)).to.have.length(100);
  });
});
