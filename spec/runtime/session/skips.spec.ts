import { expect } from "chai";
import { WebSocketConsumer } from "greenroom";
import { mark } from "../../../protocol/control-frames.ts";
import { until } from "../../layers/support/until.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { stopServing } from "../../support/serving.ts";
import { SessionClient } from "../support/session-client.ts";
import { begin } from "../support/session-rig.ts";

const size = 200_000;

/** Drops the oldest frames, and sends numbers. */
class Lossy extends WebSocketConsumer {
  static override readonly outbox = { maxLagBytes: 3 * size, overflow: "drop-oldest" } as const;
  static override readonly session = { maxBytes: 1_000 * size };
  static override readonly supervision = { onFailure: "resume" } as const;
  static current: Lossy;
  override connect() {
    Lossy.current = this;
  }
  override receive(text: string) {
    if (text !== "") this.send(text);
  }
}

/** Reads until the frame "end", and checks that each frame has the number that the client counts. */
async function readNumbered(client: SessionClient) {
  let counted = 0;
  let skipped = 0;
  const controls: string[] = [];
  let acked = 0;
  for (;;) {
    const text = String(await client.next());
    if (text.startsWith(mark)) {
      const { c, n } = JSON.parse(text.slice(1));
      controls.push(c);
      if (c === "ack") acked = n;
      if (c === "skip") {
        counted += n;
        skipped += n;
      }
    } else {
      counted += 1;
      if (text === "end") return { counted, skipped, controls, acked };
      expect(Number.parseInt(text, 10)).to.equal(counted);
    }
  }
}

describe("A frame of a session that is never written", () => {
  afterEach(stopServing);

  for (const compression of [false, true]) {
    describe(compression ? "with compression" : "without compression", () => {
      it("is told as skip when drop-oldest drops it, and acks and beats are never dropped", async () => {
        const { client, runtime, sessions, resume, cut } = await begin({ compression }, Lossy);
        client.websocket.pause();
        const count = 60;
        let asked = 0;
        for (let n = 1; n <= count; n += 1) {
          // Random texts, because others would be small once they are compressed.
          const random = Array.from({ length: size / 10 }, () => Math.random().toString(36).slice(2, 12));
          Lossy.current.send(`${n} ${random.join("")}`);
          if (Lossy.current.waitingBytes > 2 * size) {
            asked += 1;
            client.send("");
            client.control({ c: "beat" });
          }
          await nextTurn();
        }
        Lossy.current.send("end");
        await until(() => runtime.counters().dropped.slow > 0);
        client.websocket.resume();
        const { counted, skipped, controls, acked } = await readNumbered(client);
        expect(counted).to.equal(count + 1);
        expect(skipped).to.equal(runtime.counters().dropped.slow);
        let done = acked;
        while (done < asked) {
          const { c, n } = await client.nextControl();
          if (c === "ack") done = Number(n);
        }
        expect(controls.filter((c) => c === "ack").length).to.be.below(asked / 2);
        expect(controls).to.include("skip");
        client.control({ c: "ack", n: counted });
        await until(() => sessions.frames.bytes === 0);
        await cut();
        expect(await (await resume(1, counted)).nextControl()).to.include({ c: "resumed", done: asked });
      });

      it("is told as skip when its buffer was transferred, in its place", async () => {
        const { client, cut, resume, failures } = await begin({ compression }, Lossy);
        const bytes = new Uint8Array(10);
        Lossy.current.send("1");
        Lossy.current.send(bytes);
        Lossy.current.send("3");
        structuredClone(bytes, { transfer: [bytes.buffer] });
        expect(await client.take(1)).to.deep.equal(["1"]);
        expect(await client.nextControl()).to.deep.equal({ c: "skip", n: 1 });
        expect(await client.next()).to.equal("3");
        expect(failures.map(({ stage }) => stage)).to.deep.equal(["send"]);
        await cut();
        const again = await resume(1, 3);
        expect(await again.nextControl()).to.include({ c: "resumed", from: 4 });
        again.send("end");
        expect(await again.next()).to.equal("end");
      });
    });
  }

  it("leaves little to keep for a client that asks without end, and reads nothing", async () => {
    const { client, url } = await begin({}, Lossy);
    const { current } = Lossy;
    const bystander = await SessionClient.open(url);
    await bystander.nextControl();
    client.websocket.pause();
    // More than the buffers of the operating system hold.
    do {
      current.send("x".repeat(size));
      await nextTurn();
      await nextTurn();
    } while (current.waitingBytes < 2 * size);
    for (let round = 0; round < 100; round += 1) {
      for (let n = 0; n < 20; n += 1) client.control({ c: "beat" });
      bystander.send("here");
      expect(await bystander.next()).to.equal("here");
      expect(await bystander.nextControl()).to.deep.equal({ c: "ack", n: round + 1 });
    }
    client.websocket.resume();
    current.send("end");
    let beats = 0;
    for (let text = ""; text !== "end"; text = String(await client.next()))
      beats += Number(text.includes("beat"));
    expect(beats).to.be.within(1, 10);
  });
});
