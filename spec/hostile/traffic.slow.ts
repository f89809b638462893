import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { RuntimeCounters } from "greenroom";
import { WebSocket } from "ws";
import { until } from "../layers/support/until.ts";
import { bundled } from "../support/bundled.ts";
import { type RunningProcess, startProcess } from "../support/child-process.ts";
import { Client } from "../support/client.ts";
import { destroyRawWebSockets, RawWebSocket } from "../support/raw-websocket.ts";
import { whileRunning } from "./support/while-running.ts";

const program = fileURLToPath(new URL("support/room-target.ts", import.meta.url));
const readerCount = 300;
const bytesPerSecond = 3_000_000;
const say = (text: string) => JSON.stringify({ type: "say", text });
const said = (text: string) => JSON.stringify({ type: "said", text });

describe("300 clients that stop reading, in a room with one that sends 3 MB/s,", function () {
  // On a busy machine, it takes long until the buffers of the operating system are full.
  this.timeout(300_000);
  let target: RunningProcess;
  let url = "";

  before(async () => {
    target = await startProcess(process.execPath, [await bundled(program)], (line) => {
      if (line.startsWith("http:")) url = line;
      return line.startsWith("http:");
    });
  });
  after(async () => {
    await destroyRawWebSockets();
    if (target.isRunning) process.kill(target.pid, "SIGKILL");
    await target.exited;
  });

  async function figures(): Promise<RuntimeCounters & { readonly size: number }> {
    return (await fetch(url)).json() as Promise<RuntimeCounters & { readonly size: number }>;
  }

  /** The memory of the server's process, in MB. */
  async function residentMegabytes(): Promise<number> {
    const status = await readFile(`/proc/${target.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_000;
  }

  for (const [title, length] of [
    ["with texts of 60,000 characters", 60_000],
    ["with texts of 1,900 characters", 1_900],
  ] as const) {
    it(`are closed, and a bystander is served, ${title}`, async () => {
      const bystander = await Client.open(`${url}/ws/room/quiet`);
      const echo = async (text: string) => {
        bystander.send(say(text));
        expect(await whileRunning(target, bystander.next())).to.equal(said(text));
      };
      for (let time = 0; time < 200; time += 1) await echo(`calm ${time}`);
      const before = await residentMegabytes();
      const { limited } = await figures();

      for (let opened = 0; opened < readerCount; opened += 1) {
        (await RawWebSocket.open(`${url}/ws/room/loud`)).socket.pause();
      }
      const sender = new WebSocket(`${url.replace("http", "ws")}/ws/room/loud`);
      await once(sender, "open");
      const text = say("x".repeat(length));
      let received = 0;
      sender.on("message", () => {
        received += 1;
      });
      let peak = before;
      const from = performance.now();
      let sent = 0;
      // The readers are closed once their buffers in the operating system are full.
      while ((await figures()).size > 2) {
        const due = (bytesPerSecond * (performance.now() - from)) / 1_000;
        // A busy machine may keep the sender from reading, too. It is not a slow reader: it sends what it can read.
        const isAhead = () => (sent - received) * length > 1_000_000;
        for (; sent * length < due && !isAhead(); sent += 1) sender.send(text);
        await echo(`loud ${sent}`);
        peak = Math.max(peak, await residentMegabytes());
        await pause(5);
      }
      const after = await figures();
      expect(after.limited.maxWaitingBytes - limited.maxWaitingBytes).to.be.at.least(100);
      expect(after.dropped.overflow).to.equal(0);
      // The sender reads, so it gets everything.
      await until(() => received === sent);
      expect(peak - before).to.be.below(300);
      sender.close();
      await until(async () => (await figures()).size === 1);
      await bystander.close();
    });
  }
});
