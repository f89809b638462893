import { expect } from "chai";
import { ConnectionLostError, type Effect, machineConsumer, WebSocketConsumer } from "greenroom";
import { communicate } from "greenroom/testing";
import { emit, setup } from "xstate";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { serve, stopServing } from "../../support/serving.ts";

const part = Buffer.alloc(65_536, 7);
const limit = 2 ** 20;

describe("drained", () => {
  afterEach(stopServing);

  /** Starts a server that sends `parts`, and awaits room after each part. */
  async function startDownload(parts: number, options: { readonly compression?: boolean } = {}) {
    const seen = { most: 0, sent: 0, outcome: undefined as unknown };
    const consumers: WebSocketConsumer[] = [];
    class Download extends WebSocketConsumer {
      override async receive() {
        consumers.push(this);
        try {
          for (; seen.sent < parts; seen.sent += 1) {
            this.send(part);
            seen.most = Math.max(seen.most, this.waitingBytes);
            await this.drained();
            expect(this.waitingBytes).to.be.at.most(limit / 2);
          }
          this.send("end");
        } catch (error) {
          seen.outcome = error;
          throw error;
        }
      }
    }
    const serving = await serve({ layers: {}, ...options });
    serving.runtime.route("/ws", Download);
    return { ...serving, url: `${serving.url}/ws`, seen, consumers };
  }

  for (const compression of [false, true]) {
    it(`lets a long stream arrive whole (compression: ${compression})`, async () => {
      const { url, seen, failures, runtime } = await startDownload(512, { compression });
      const client = await Client.open(url);
      client.send("go");
      let arrived = 0;
      for (let frame = await client.next(); frame !== "end"; frame = await client.next()) {
        expect(frame).to.have.lengthOf(part.length);
        arrived += 1;
      }
      expect(arrived).to.equal(512);
      expect(seen.most)
        .to.be.above(limit / 2)
        .and.at.most(limit);
      expect([failures, runtime.counters().dropped.slow]).to.deep.equal([[], 0]);
    });
  }

  it("waits while a client does not read, and continues when it reads", async () => {
    const { url, seen } = await startDownload(2_000);
    const client = await Client.open(url);
    client.send("go");
    await client.next();
    client.websocket.pause();
    let before = -1;
    while (before !== seen.sent) {
      before = seen.sent;
      for (let turn = 0; turn < 100; turn += 1) await nextTurn();
    }
    expect(seen.sent).to.be.below(2_000);
    client.websocket.resume();
    for (let frame = await client.next(); frame !== "end"; ) frame = await client.next();
    expect(seen.sent).to.equal(2_000);
  });

  for (const [how, end] of [
    ["the client disconnects", (client: Client) => client.websocket.terminate()],
    ["the client closes", (client: Client) => client.websocket.close(1000)],
    ["the consumer closes", (_: Client, consumer: WebSocketConsumer) => consumer.close(4000)],
  ] as const) {
    it(`rejects when ${how}, and the handler ends without a report`, async () => {
      const { url, seen, consumers, failures, runtime } = await startDownload(1e9);
      const client = await Client.open(url);
      client.send("go");
      // While this frame waits, the actor is not closing yet.
      client.send("go again");
      await client.next();
      client.websocket.pause();
      await until(() => (consumers[0]?.waitingBytes ?? 0) > limit / 2);
      end(client, consumers[0] as WebSocketConsumer);
      client.websocket.resume();
      await until(() => runtime.size === 0);
      expect(seen.outcome).to.be.instanceOf(ConnectionLostError);
      await expectLost(consumers[0] as WebSocketConsumer);
      expect(failures).to.deep.equal([]);
    });
  }

  async function expectLost(consumer: WebSocketConsumer): Promise<void> {
    const error = await consumer.drained().catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(ConnectionLostError);
    expect((error as ConnectionLostError).message).to.equal(
      "The connection has ended, so the waiting bytes may not reach the client.",
    );
  }

  it("resolves at once if there is room, also before accept(), and for all callers", async () => {
    const order: string[] = [];
    class Small extends WebSocketConsumer {
      override async connect() {
        await this.drained();
        await this.accept();
        this.send("hello");
        await this.drained();
        order.push("small");
        this.send(Buffer.alloc(limit));
        const both = [this.drained(), this.drained()].map((drained) =>
          drained.then(() => order.push("large")),
        );
        order.push("waits");
        await Promise.all(both);
      }
    }
    const { runtime, url } = await serve({ layers: {} });
    runtime.route("/ws", Small);
    const client = await Client.open(`${url}/ws`);
    await client.take(2);
    await until(() => order.length === 4);
    expect(order).to.deep.equal(["small", "waits", "large", "large"]);
  });

  it("may be ignored: a rejection that is not awaited has no effect", async () => {
    const { url, failures, runtime } = await serve({ layers: {} });
    class Careless extends WebSocketConsumer {
      override receive() {
        this.send(Buffer.alloc(16 * limit));
        void this.drained();
        this.close();
      }
    }
    runtime.route("/ws", Careless);
    const client = await Client.open(`${url}/ws`);
    client.send("go");
    expect(await client.closed).to.include({ code: 1000 });
    await until(() => runtime.size === 0);
    expect(failures).to.deep.equal([]);
  });

  it("is the effect `drain` of a machine, whose next event waits", async () => {
    const seen: string[] = [];
    const fill = Buffer.alloc(8 * limit);
    const machine = setup({ types: { emitted: {} as Effect } }).createMachine({
      on: {
        "frame.fill": {
          actions: [emit({ type: "send", frame: fill }), emit({ type: "drain" }), () => seen.push("fill")],
        },
        "frame.next": { actions: [() => seen.push("next"), emit({ type: "send", frame: "next" })] },
      },
    });
    const { runtime, url } = await serve({ layers: {} });
    runtime.route("/ws", machineConsumer(machine));
    const client = await Client.open(`${url}/ws`);
    client.websocket.pause();
    client.send('{"type":"fill"}');
    client.send('{"type":"next"}');
    await until(() => seen.length > 0);
    for (let turn = 0; turn < 100; turn += 1) await nextTurn();
    expect(seen).to.deep.equal(["fill"]);
    client.websocket.resume();
    expect((await client.next()).length).to.equal(fill.length);
    expect(await client.next()).to.equal("next");
  });

  describe("of a spawned actor", () => {
    class Counting extends WebSocketConsumer {
      sent = 0;
      override async receive(count: string) {
        for (let number = 0; number < Number(count); number += 1) {
          this.send(`${number}`);
          this.sent += 1;
          await this.drained();
        }
      }
    }

    it("waits for the reader of its frames, so that no frame is dropped", async () => {
      const { runtime } = await serve({ layers: {} });
      const reference = await runtime.spawn(Counting);
      reference.receive("5000");
      const { outgoing } = reference;
      for (let number = 0; number < 5_000; number += 1) {
        expect(await outgoing.next()).to.deep.equal({ done: false, value: `${number}` });
        await nextTurn();
      }
      expect(runtime.counters().dropped.unread).to.equal(0);
    });

    it("does not wait without a reader, or after the reader has left its loop", async () => {
      const { runtime } = await serve({ layers: {} });
      const reference = await runtime.spawn(Counting);
      reference.receive("2000");
      await until(() => runtime.counters().dropped.unread === 1_000);
      for await (const frame of reference.outgoing) {
        expect(frame).to.equal("1000");
        break;
      }
      reference.receive("10");
      await until(() => runtime.counters().dropped.unread === 1_009);
    });

    it("rejects when the actor stops", async () => {
      const { runtime, failures } = await serve({ layers: {} });
      const reference = await runtime.spawn(Counting);
      const first = reference.outgoing.next();
      reference.receive("5000");
      expect(await first).to.deep.equal({ done: false, value: "0" });
      await nextTurn();
      await reference.stop();
      expect([runtime.size, failures]).to.deep.equal([0, []]);
    });
  });

  it("resolves for a client of `communicate`, until the connection has ended", async () => {
    const outcomes: unknown[] = [];
    class Sender extends WebSocketConsumer {
      override async receive() {
        this.send(Buffer.alloc(2 * limit));
        outcomes.push(await this.drained());
      }
      override async disconnect() {
        outcomes.push(await this.drained().catch((error: unknown) => error));
      }
    }
    const client = communicate(Sender);
    await client.connect();
    client.send("go");
    expect(await client.receive()).to.have.lengthOf(2 * limit);
    await client.disconnect();
    expect(outcomes[0]).to.equal(undefined);
    expect(outcomes[1]).to.be.instanceOf(ConnectionLostError);
  });
});
