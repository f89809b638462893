import { expect } from "chai";
import fc from "fast-check";
import { type Frame, WebSocketConsumer } from "greenroom";
import { until } from "../layers/support/until.ts";
import { nextTurn } from "../support/next-turn.ts";
import { destroyRawWebSockets, Opcode, RawWebSocket } from "../support/raw-websocket.ts";
import { type Serving, serve, stopServing } from "../support/serving.ts";
import { fuzz } from "./support/fuzz.ts";

/** Sends what a spec asks for. */
class Talker extends WebSocketConsumer {
  static newest: Talker | undefined;
  code: number | undefined;
  override connect() {
    Talker.newest = this;
  }
  override disconnect(code: number) {
    this.code = code;
  }
}
class Dropping extends Talker {
  static override readonly outbox = { overflow: "drop-oldest" } as const;
}

type Step =
  | { readonly do: "send"; readonly size: number; readonly isText: boolean; readonly count: number }
  | { readonly do: "turn" | "ping" | "stop reading" | "read" };

const size = fc.oneof(
  { weight: 4, arbitrary: fc.nat(300) },
  { weight: 2, arbitrary: fc.constantFrom(125, 126, 65_535, 65_536, 70_000) },
  { weight: 1, arbitrary: fc.constantFrom(400_000, 1_500_000) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      size,
      isText: fc.boolean(),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "turn" as const,
        "turn" as const,
        "ping" as const,
        "stop reading" as const,
        "read" as const,
      ),
    }),
  },
);
const ends = fc.constantFrom("close", "close after reading", "the client leaves") as fc.Arbitrary<string>;

describe("Fuzzing the outbox", () => {
  let serving: Serving<Record<never, never>>;
  beforeEach(async () => {
    const limits = { maxLagBytes: 200_000, maxUpgradesPerSecond: 1_000_000 };
    serving = await serve({ layers: {}, guards: [], ...limits });
    serving.runtime.route("/close", Talker);
    serving.runtime.route("/drop", Dropping);
  });
  afterEach(async () => {
    await destroyRawWebSockets();
    await stopServing();
  });

  async function check(path: string, steps: readonly Step[], end: string): Promise<void> {
    Talker.newest = undefined;
    const dropped = () => {
      const { slow, closing } = serving.runtime.counters().dropped;
      return slow + closing;
    };
    const before = dropped();
    const client = await RawWebSocket.open(`${serving.url}${path}`);
    await until(() => Talker.newest !== undefined);
    const talker = Talker.newest as unknown as Talker;
    const sent: string[] = [];
    let pings = 0;
    for (const given of steps) {
      if (given.do === "send") {
        for (let count = 0; count < given.count; count += 1) {
          const text = `${sent.length}:`.padEnd(given.size, "x");
          const frame: Frame = given.isText ? text : Buffer.from(text);
          talker.send(frame);
          sent.push(`${given.isText ? Opcode.text : Opcode.binary} ${text}`);
        }
      } else if (given.do === "turn") await nextTurn();
      else if (given.do === "ping") {
        // The progress pings of the server have 4 bytes.
        client.send(Opcode.ping, `ping ${pings}`);
        pings += 1;
      } else if (given.do === "read") client.socket.resume();
      else client.socket.pause();
    }
    if (end === "the client leaves") {
      await client.destroy();
      await until(() => talker.code !== undefined);
      return;
    }
    if (end === "close after reading") client.socket.resume();
    await nextTurn();
    await talker.close(1_000);
    client.socket.resume();
    const received: string[] = [];
    const pongs: string[] = [];
    let code: number | undefined;
    for (let frame = await client.next(); frame !== undefined; frame = await client.next()) {
      const { opcode, payload } = frame;
      if (opcode === Opcode.close) {
        code = payload.readUInt16BE();
        client.socket.end();
      } else if (opcode === Opcode.pong) pongs.push(payload.toString());
      else received.push(`${opcode} ${payload.toString()}`);
    }
    await until(() => talker.code !== undefined);
    await until(() => received.length + dropped() - before === sent.length);
    // In order: each received frame is the next one, or a later one, of those that were sent.
    let at = 0;
    for (const each of received) {
      at = sent.indexOf(each, at) + 1;
      expect(at).to.be.greaterThan(0);
    }
    // A lag that is noticed when the consumer closes drops frames, but no longer changes the code.
    expect(code).to.be.oneOf([1_000, 3_008]);
    expect(pongs).to.deep.equal(pongs.map((_, index) => `ping ${index}`).slice(0, pongs.length));
  }

  it("writes frames that a client can parse, in order, and counts each frame that is not written", async () => {
    // Half of the clients read nothing at first.
    const start = fc.constantFrom<Step>({ do: "stop reading" }, { do: "read" });
    const script = fc
      .tuple(start, fc.array(step, { maxLength: 25 }))
      .map(([first, rest]) => [first, ...rest]);
    await fuzz(fc.asyncProperty(fc.constantFrom("/close", "/drop"), script, ends, check), 40);
    await until(() => serving.runtime.size === 0);
    expect(serving.failures).to.deep.equal([]);
  });
});
