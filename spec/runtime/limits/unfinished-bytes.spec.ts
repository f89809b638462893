import { expect } from "chai";
import { WebSocketConsumer } from "greenroom";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { destroyRawWebSockets, encodeFrame, Opcode, RawWebSocket } from "../../support/raw-websocket.ts";
import { serve, stopServing } from "../../support/serving.ts";

describe("maxUnfinishedBytes", () => {
  const { now: realNow } = performance;
  // Each slice counts as 300 bytes more. While no time passes, all slices are quick, so there are few.
  beforeEach(() => {
    const now = realNow.call(performance);
    performance.now = () => now;
  });
  afterEach(async () => {
    performance.now = realNow;
    await destroyRawWebSockets();
    await stopServing();
  });

  async function start(maxUnfinishedBytes: number) {
    class Echo extends WebSocketConsumer {
      override receive(text: string) {
        this.send(`${text.length}`);
      }
    }
    const serving = await serve({ layers: {}, maxUnfinishedBytes });
    serving.runtime.route("/ws", Echo);
    const url = `${serving.url}/ws`;
    const bystander = await Client.open(url);
    const check = async () => {
      bystander.send("echo");
      expect(await bystander.next()).to.equal("4");
    };
    /** Sends the first bytes of a frame. `check` shows that the server had a turn to read them. */
    const begin = async (bytes: Uint8Array, headers = {}) => {
      const client = await RawWebSocket.open(url, headers);
      client.socket.write(bytes);
      await check();
      return client;
    };
    return { ...serving, begin, check, counters: () => serving.runtime.counters() };
  }

  const frame = encodeFrame(Opcode.text, "x".repeat(60_000));
  const part = (bytes: number) => frame.subarray(0, bytes);

  async function closeFrame(client: RawWebSocket): Promise<string> {
    const { payload = Buffer.alloc(2) } = (await client.next()) ?? {};
    return `${payload.readUInt16BE()} ${payload.subarray(2)}`;
  }

  for (const [how, headers] of [
    ["", {}],
    [
      ", also of a client that resumes a session",
      { "Sec-WebSocket-Protocol": "greenroom.v1, greenroom.resume" },
    ],
  ] as const) {
    it(`closes the connection with the largest unfinished message with 1008${how}`, async () => {
      const { begin, check, counters, runtime } = await start(50_000);
      const first = await begin(part(10_000));
      const largest = await begin(part(20_000), headers);
      await begin(part(15_000));
      expect(counters().limited.maxUnfinishedBytes).to.equal(0);
      await begin(part(5_000));
      expect(await closeFrame(largest)).to.equal("1008 The server has no room for unfinished messages");
      expect(counters().limited.maxUnfinishedBytes).to.equal(1);
      expect(counters().dropped.unfinished).to.equal(1);
      await largest.destroy();
      first.socket.write(frame.subarray(10_000));
      expect(`${(await first.next())?.payload}`).to.equal("60000");
      await check();
      await until(() => runtime.size === 4);
    });
  }

  // Each read at the limit closed one connection, and sorted all others.
  it("closes the connections with the largest until a sixteenth of the bytes is free", async () => {
    const { begin, check, counters } = await start(20_000);
    const large = [await begin(part(1_000)), await begin(part(1_001))];
    for (let count = 0; count < 19; count += 1) await begin(part(600));
    expect(counters().limited.maxUnfinishedBytes).to.equal(0);
    await begin(part(600));
    for (const client of large) expect(await closeFrame(client)).to.match(/^1008 /);
    expect(counters().limited.maxUnfinishedBytes).to.equal(2);
    await check();
  });

  it("does not count a message any more once it is finished, or its connection has ended", async () => {
    const { begin, counters, runtime } = await start(50_000);
    for (let round = 0; round < 5; round += 1) {
      const client = await begin(part(40_000));
      client.socket.write(frame.subarray(40_000));
      expect(`${(await client.next())?.payload}`).to.equal("60000");
      await (await begin(part(40_000))).destroy();
      await until(() => runtime.size === 2 + round);
    }
    expect(counters().limited.maxUnfinishedBytes).to.equal(0);
  });

  it("counts the memory of small parts, which is more than their bytes", async () => {
    const { begin, counters } = await start(30_000);
    const opening = encodeFrame(Opcode.text, "x", { fin: false });
    const fragments = Array.from({ length: 100 }, () =>
      encodeFrame(Opcode.continuation, "x", { fin: false }),
    );
    const client = await begin(Buffer.concat([opening, ...fragments]));
    expect(await closeFrame(client)).to.equal("1008 The server has no room for unfinished messages");
    expect(counters().limited.maxUnfinishedBytes).to.equal(1);
  });

  it("cuts a connection that does not close while the bytes are still too many", async () => {
    const { begin, counters, runtime } = await start(50_000);
    const closing = await begin(part(40_000));
    await begin(part(20_000));
    expect(await closeFrame(closing)).to.match(/^1008 /);
    expect(runtime.size).to.equal(3);
    await begin(part(1));
    // The client has not answered the close frame.
    await until(() => runtime.size === 3);
    expect(counters().limited.maxUnfinishedBytes).to.equal(1);
  });
});
