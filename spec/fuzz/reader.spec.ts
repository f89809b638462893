import { expect } from "chai";
import fc from "fast-check";
import { WebSocketConsumer } from "greenroom";
import { until } from "../layers/support/until.ts";
import { nextTurn } from "../support/next-turn.ts";
import { destroyRawWebSockets, Opcode, RawWebSocket, type WireFrame } from "../support/raw-websocket.ts";
import { type Serving, serve, stopServing } from "../support/serving.ts";
import { type ByteStream, byteStreams, partsOf } from "./support/frame-streams.ts";
import { fuzz } from "./support/fuzz.ts";
import { parseWithWs, shown } from "./support/ws-oracle.ts";

const limits = { maxPayload: 65_536, maxFragments: 128 };

/** Records the frames of its client, and the code with which the connection ends. */
class Recorder extends WebSocketConsumer {
  static newest: Recorder | undefined;
  readonly heard: string[] = [];
  code: number | undefined;
  override connect() {
    Recorder.newest = this;
  }
  override receive(text: string) {
    this.heard.push(shown(Buffer.from(text), false));
  }
  override receiveBinary(bytes: Uint8Array) {
    this.heard.push(shown(bytes, true));
  }
  override disconnect(code: number) {
    this.code = code;
  }
}

/** Handles each frame in a turn of its own, so that its client is paused often. */
class Slow extends Recorder {
  override async receive(text: string) {
    super.receive(text);
    await nextTurn();
  }
  override async receiveBinary(bytes: Uint8Array) {
    super.receiveBinary(bytes);
    await nextTurn();
  }
}

describe("Fuzzing the reader", () => {
  let serving: Serving<Record<never, never>>;
  beforeEach(async () => {
    serving = await serve({
      layers: {},
      guards: [],
      ...limits,
      frameHighWaterMark: 1,
      maxUpgradesPerSecond: 1_000_000,
    });
    serving.runtime.route("/", Recorder);
    serving.runtime.route("/slow", Slow);
  });
  afterEach(async () => {
    await destroyRawWebSockets();
    await stopServing();
  });

  /** Sends the stream to a server, and compares the outcome with that of ws alone. */
  async function check(stream: ByteStream): Promise<void> {
    const expected = await parseWithWs(stream.bytes, limits);
    Recorder.newest = undefined;
    // The frames that wait for a slow handler are dropped if the connection ends.
    const path = expected.close === undefined ? "/slow" : "/";
    const client = await RawWebSocket.open(`${serving.url}${path}`);
    await until(() => Recorder.newest !== undefined);
    const recorder = Recorder.newest as unknown as Recorder;
    for (const part of partsOf(stream)) {
      client.socket.write(part);
      await nextTurn();
    }
    const frames: WireFrame[] = [];
    const pongs = () => frames.filter(({ opcode }) => opcode === Opcode.pong);
    const isDone = () => frames.at(-1)?.opcode === Opcode.close;
    if (expected.close === undefined) {
      await until(() => recorder.heard.length >= expected.messages.length || recorder.code !== undefined);
      while (pongs().length < expected.pings.length) frames.push((await client.next()) as WireFrame);
      client.socket.end();
    }
    for (let frame = await client.next(); frame !== undefined; frame = await client.next()) {
      frames.push(frame);
      if (isDone()) client.socket.end();
    }
    await until(() => recorder.code !== undefined);
    expect(recorder.heard).to.deep.equal(expected.messages);
    expect(pongs().map(({ payload }) => payload.toString("base64"))).to.deep.equal(expected.pings);
    expect(recorder.code).to.equal(expected.close ?? 1_006);
    const closes = frames.filter(({ opcode }) => opcode === Opcode.close);
    const codes = closes.map(({ payload }) => (payload.length < 2 ? 1_005 : payload.readUInt16BE()));
    expect(codes).to.deep.equal(expected.close === undefined ? [] : [expected.close]);
    await client.destroy();
  }

  it("finds the messages, pongs and close codes that ws finds, in the same order", async () => {
    await fuzz(fc.asyncProperty(byteStreams, check), 50);
    await until(() => serving.runtime.size === 0);
    expect(serving.failures).to.deep.equal([]);
  });
});
