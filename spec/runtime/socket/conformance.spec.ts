import { expect } from "chai";
import { WebSocketConsumer } from "greenroom";
import { isControl } from "../../../protocol/control-frames.ts";
import { until } from "../../layers/support/until.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { destroyRawWebSockets, encodeFrame, Opcode, RawWebSocket } from "../../support/raw-websocket.ts";
import { type Serving, serve, stopServing } from "../../support/serving.ts";
import { type Case, cases, maxPayload } from "../support/conformance-cases.ts";

class Echo extends WebSocketConsumer {
  static override readonly session = { resumeMs: 1 };
  static codes: number[] = [];
  override receive(text: string) {
    this.send(text);
  }
  override receiveBinary(bytes: Uint8Array) {
    this.send(bytes);
  }
  override disconnect(code: number) {
    Echo.codes.push(code);
  }
}

/** The frames of the server, without the control frames of its session and the pings that measure progress. */
class Answers {
  readonly echoes: (string | Buffer)[] = [];
  readonly pongs: string[] = [];
  close: number | undefined;
  readonly #client: RawWebSocket;

  constructor(client: RawWebSocket) {
    this.#client = client;
  }

  /** Takes the next frame. Returns false at the end of the connection. */
  async take(): Promise<boolean> {
    const frame = await this.#client.next();
    if (frame === undefined) return false;
    const { opcode, payload } = frame;
    expect(this.close, "a frame behind the close frame").to.equal(undefined);
    if (opcode === Opcode.close) this.close = payload.length === 0 ? 1005 : payload.readUInt16BE();
    else if (opcode === Opcode.pong) this.pongs.push(payload.toString());
    else if (opcode === Opcode.binary) this.echoes.push(payload);
    else if (!isControl(payload.toString())) this.echoes.push(payload.toString());
    return true;
  }
}

/** Texts, pings between fragments, violations, and close frames: a session counts frames, and outlives sockets. */
const meetsSessions = ({ name }: Case): boolean => /^([1257]\.1|3: .* 64|5|7\.1|masking)/.test(name);

// Autobahn's cases as far as they meet code of Greenroom: reads in slices, pongs, writes and close frames.
for (const [how, protocols, chosen] of [
  ["without a session", {}, cases],
  ["with a session", { "Sec-WebSocket-Protocol": "greenroom.v1" }, cases.filter(meetsSessions)],
] as const) {
  describe(`A WebSocket ${how} follows the protocol in the case`, () => {
    let serving: Serving<Record<never, never>>;
    before(async () => {
      serving = await serve({ layers: {}, guards: [], maxPayload, maxUpgradesPerSecond: 1_000_000 });
      serving.runtime.route("/ws", Echo);
    });
    beforeEach(() => {
      Echo.codes = [];
    });
    afterEach(destroyRawWebSockets);
    after(async () => {
      expect(serving.failures).to.deep.equal([]);
      await stopServing();
    });

    async function check({ send, echoes = [], pongs = [], close }: Case): Promise<void> {
      const client = await RawWebSocket.open(`${serving.url}/ws`, protocols);
      const answers = new Answers(client);
      for (const part of send) {
        client.socket.write(part);
        if (send.length > 1) await nextTurn();
      }
      if (close === undefined) {
        while (answers.echoes.length < echoes.length || answers.pongs.length < pongs.length) {
          expect(await answers.take()).to.equal(true);
        }
        client.send(Opcode.close, Buffer.from([1000 >> 8, 1000 & 0xff]));
      }
      while (answers.close === undefined && (await answers.take()));
      client.socket.end();
      while (await answers.take());
      const expected = close ?? 1000;
      expect(answers).to.deep.include({ echoes, pongs, close: expected });
      await until(() => serving.runtime.size === 0);
      expect(Echo.codes).to.deep.equal([expected]);
    }

    for (const each of chosen) it(each.name, () => check(each));

    it("5.20: a ping between fragments is answered before the message is complete", async () => {
      const client = await RawWebSocket.open(`${serving.url}/ws`, protocols);
      const answers = new Answers(client);
      client.socket.write(
        Buffer.concat([encodeFrame(Opcode.text, "a", { fin: false }), encodeFrame(Opcode.ping, "now")]),
      );
      while (answers.pongs.length === 0) await answers.take();
      expect(answers).to.deep.include({ echoes: [], pongs: ["now"] });
      client.send(Opcode.continuation, "b");
      while (answers.echoes.length === 0) await answers.take();
      expect(answers.echoes).to.deep.equal(["ab"]);
    });
  });
}
