import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { MemoryBusOptions, MemoryLayerOptions } from "greenroom";
import { bundled } from "../support/bundled.ts";
import { type RunningProcess, startProcess } from "../support/child-process.ts";
import { Client } from "../support/client.ts";
import { whileRunning } from "./support/while-running.ts";

const server = fileURLToPath(new URL("support/history-server.ts", import.meta.url));
const heapMegabytes = 48;
const megabyte = 1024 * 1024;

interface Options extends Pick<MemoryLayerOptions, "history"> {
  readonly bus?: MemoryBusOptions;
}

// A layer kept 100 messages of each group for 60 s, although no consumer read them, and without a limit for
// all groups. A client that sent to group after group exhausted the memory.
describe("A client that sends to many groups of a memory layer", function () {
  this.timeout(60_000);
  let running: RunningProcess;
  let url: string;
  let bystander: Client;
  let attacker: Client;
  let gauge: Client;

  async function start(options: Options) {
    const flags = ["--expose-gc", `--max-old-space-size=${heapMegabytes}`];
    const args = [...flags, await bundled(server), JSON.stringify(options)];
    const isReady = (line: string) => {
      const [, address] = /^Listening: (.*)$/.exec(line) ?? [];
      url = address ?? url;
      return address !== undefined;
    };
    running = await startProcess(process.execPath, args, isReady);
    bystander = await Client.open(`${url}/ws/rooms`);
    attacker = await Client.open(`${url}/ws/rooms`);
    gauge = await Client.open(`${url}/ws/gauge`);
  }

  afterEach(async () => {
    if (running.isRunning) process.kill(running.pid, "SIGTERM");
    expect(await running.exited).to.deep.equal([0, null]);
  });

  async function measure(group = "room_0"): Promise<{ bytes: number; entries: number | "none" }> {
    gauge.send(JSON.stringify(group));
    return JSON.parse(String(await whileRunning(running, gauge.next())));
  }

  /** Measures until at most `limit` bytes are in use: V8 frees buffers in other threads, after the collection. */
  async function measureBelow(limit: number, group?: string) {
    let measured = await measure(group);
    while (measured.bytes > limit) measured = await measure(group);
    return measured;
  }

  async function echo(client: Client, text: string) {
    client.send(text);
    expect(await whileRunning(running, client.next())).to.equal(text);
  }

  /** Sends one short message to each of many groups, then a hundred long messages to each of a few groups. */
  async function attack() {
    for (let sent = 0; sent < 80_000; sent += 10_000) {
      for (let n = 0; n < 10_000; n += 1) attacker.send(`room_${sent + n} hello`);
      await echo(attacker, "sent");
    }
    const long = "x".repeat(60_000);
    for (let room = 0; room < 3; room += 1) {
      for (let n = 0; n < 100; n += 1) attacker.send(`long_${room} ${long}`);
      await echo(attacker, "sent");
    }
  }

  it("occupies no memory if no history was requested", async () => {
    await start({});
    await echo(bystander, "before");
    const before = await measure();
    await attack();
    await echo(bystander, "after");
    const after = await measureBelow(before.bytes + 8 * megabyte);
    expect([before.entries, after.entries]).to.deep.equal(["none", "none"]);
  });

  it("occupies at most `maxHistoryBytes` if histories were requested", async () => {
    const maxHistoryBytes = 8 * megabyte;
    await start({ history: true, bus: { maxHistoryBytes } });
    await echo(bystander, "before");
    const before = await measure();
    await attack();
    await echo(bystander, "after");
    expect((await measure("room_0")).entries, "the oldest history").to.equal(0);
    const after = await measureBelow(before.bytes + maxHistoryBytes + 8 * megabyte, "long_2");
    expect(after.entries, "the newest history").to.equal(100);
    expect(after.bytes - before.bytes).to.be.at.least(maxHistoryBytes / 2);
  });
});
