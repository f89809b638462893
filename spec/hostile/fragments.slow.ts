import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import type { RunningProcess } from "../support/child-process.ts";
import { Client } from "../support/client.ts";
import {
  destroyRawWebSockets,
  encodeFrame,
  Opcode,
  RawWebSocket,
  upgradeRequest,
} from "../support/raw-websocket.ts";
import { startFragmentsServer } from "./support/fragments-server.ts";

interface Figures {
  readonly heapUsed: number;
  readonly arrayBuffers: number;
  readonly size: number;
  readonly dropped: Readonly<Record<string, number>>;
}

const megabyte = 2 ** 20;

describe("Messages that never end", () => {
  let target: RunningProcess;
  let url = "";
  const attackers: Socket[] = [];

  /** Starts a server with a heap of 64 MiB in a process of its own. */
  async function start(options: object = {}): Promise<void> {
    ({ target, url } = await startFragmentsServer(64, options));
  }

  afterEach(async () => {
    await destroyRawWebSockets();
    for (const attacker of attackers.splice(0)) attacker.destroy();
    if (target.isRunning) process.kill(target.pid, "SIGKILL");
    await target.exited;
  });

  async function figures(): Promise<Figures> {
    return (await fetch(`${url}/figures`)).json() as Promise<Figures>;
  }

  /** Resolves once the server's buffers take less than `bound` bytes. Their owners are freed first. */
  const buffersBelow = (bound: number) => until(async () => (await figures()).arrayBuffers < bound);

  /** Sends `bytes` after the upgrade. Resolves with the code of the close frame, or with 0 without one. */
  async function attack(bytes: Uint8Array): Promise<number> {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    attackers.push(socket);
    const received: Buffer[] = [];
    socket.on("error", () => {});
    socket.on("data", (chunk) => received.push(chunk));
    socket.write(upgradeRequest("/ws"));
    await once(socket, "data");
    socket.write(bytes);
    await until(() => socket.destroyed || Buffer.concat(received).includes(0x88));
    const all = Buffer.concat(received);
    const close = all.indexOf(0x88, all.indexOf("\r\n\r\n"));
    socket.destroy();
    return close < 0 ? 0 : all.readUInt16BE(close + 2);
  }

  /** Runs `count` attacks at once, and checks the bystander, the memory and the counters after them. */
  async function attackAll(count: number, bytes: Uint8Array): Promise<void> {
    const bystander = await Client.open(`${url}/ws`);
    const before = await figures();
    const ended = target.exited.then(() => Promise.reject(new Error("The server's process has ended.")));
    const attacks = Promise.all(Array.from({ length: count }, () => attack(bytes)));
    const codes = await Promise.race([attacks, ended]);
    expect(new Set(codes)).to.deep.equal(new Set([1008]));
    bystander.send("still here");
    expect(await bystander.next()).to.equal("still here");
    await until(async () => (await figures()).size === 1);
    const after = await figures();
    expect(after.dropped.unfinished).to.equal(count);
    expect(after.heapUsed).to.be.below(before.heapUsed + 8 * megabyte);
    await buffersBelow(before.arrayBuffers + 8 * megabyte);
    await bystander.close();
  }

  const start1 = encodeFrame(Opcode.text, "x", { fin: false });
  const next1 = encodeFrame(Opcode.continuation, "x", { fin: false });
  const fragments = (count: number) =>
    Buffer.concat([start1, ...Array.from({ length: count - 1 }, () => next1)]);

  it("in tiny fragments do not exhaust the memory", async () => {
    await start();
    await attackAll(100, fragments(16_000));
  });

  it("in empty fragments do not exhaust the memory", async () => {
    await start();
    const empty = encodeFrame(Opcode.continuation, "", { fin: false });
    await attackAll(100, Buffer.concat([start1, ...Array.from({ length: 16_000 }, () => empty)]));
  });

  it("with other frames in between hold no more memory than their own bytes", async () => {
    await start({ maxFrameBurst: 100_000 });
    const before = await figures();
    // A fragment arrives with 64 KiB of pongs, and shares the memory of one read with them.
    const pong = encodeFrame(Opcode.pong, Buffer.alloc(125));
    const pongs = Buffer.concat(Array.from({ length: 500 }, () => pong));
    const parts = [start1, pongs, ...Array.from({ length: 100 }, () => [next1, pongs]).flat()];
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const client = await RawWebSocket.open(`${url}/ws`);
        client.socket.write(Buffer.concat([...parts, encodeFrame(Opcode.ping, "all is sent")]));
        expect(String((await client.next())?.payload)).to.equal("all is sent");
      }),
    );
    const after = await figures();
    expect(after.size).to.equal(5);
    await buffersBelow(before.arrayBuffers + 2 * megabyte);
  });

  it("are cut after messageTimeoutMs", async () => {
    await start({ messageTimeoutMs: 1_000 });
    await attackAll(20, fragments(100));
  });
});
