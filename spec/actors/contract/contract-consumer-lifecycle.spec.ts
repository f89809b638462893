import { expect } from "chai";
import { AcceptError, contractConsumer, createRuntime, frames } from "greenroom";
import { contract } from "greenroom/contract";
import { type Communicator, communicateWith } from "greenroom/testing";
import { SimulatedClock } from "xstate";
import { z } from "zod";
import { Client } from "../../support/client.ts";
import { type Gate, gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { serve, stopServing, unlessByMachine } from "../../support/serving.ts";
import { pauses } from "../../support/waiting.ts";
import { schemaOf } from "./support/schemas.ts";

let opening: Gate;
const room = contract({
  path: "/room",
  client: {
    say: z.object({ n: z.number() }),
    slow: schemaOf(async (value) => {
      await opening.opened;
      return { value };
    }),
    bye: { payload: z.object({}), reply: z.object({}) },
    ask: { payload: z.object({}), reply: z.object({ n: z.number() }) },
  },
  server: { said: z.object({ n: z.number() }), nothing: z.object({}) },
});

class Room extends contractConsumer(room) {
  static tooEarly: unknown;
  readonly #order: number[] = [];
  override async connect() {
    try {
      this.send("nothing", {});
    } catch (error) {
      Room.tooEarly = error;
    }
    await this.accept();
    this.send("nothing", {});
  }
  static override readonly frames = frames<Room>({
    say({ n }) {
      this.#order.push(n);
      this.send("said", { n });
    },
    slow() {
      this.send("said", { n: -1 });
    },
    bye() {
      this.close();
      this.send("nothing", {});
      return {};
    },
    ask: () => ({ n: "three" }) as never,
  });
  override receiveBinary(bytes: Uint8Array) {
    if (bytes.length === 9)
      this.after(0, () => {
        throw new Error("A timer");
      });
    else if (bytes.length === 0) this.sendBinary(new Uint8Array([7]));
    else if (bytes.length === 1) (this.send as (type: string, payload: unknown) => void)("other", { n: 1 });
    else (this.send as (type: string, payload: unknown) => void)("said", new Map());
  }
}
class TextOnly extends contractConsumer({ ...room, path: "/text", client: {} }) {}

describe("contractConsumer", () => {
  const errors: string[] = [];
  let clock: SimulatedClock;
  const start = () => {
    errors.length = 0;
    opening = gate();
    clock = new SimulatedClock();
    const runtime = createRuntime({
      layers: {},
      guards: [],
      clock,
      onError: unlessByMachine((error, { stage }) => errors.push(`${stage}: ${error}`)),
    });
    runtime.route(Room);
    runtime.route(TextOnly);
    return runtime;
  };
  let runtime: ReturnType<typeof start>;
  let client: Communicator;
  beforeEach(async () => {
    runtime = start();
    client = communicateWith(runtime, "/room");
    await client.connect();
    expect(await client.receiveJson()).to.deep.equal({ type: "nothing" });
  });
  afterEach(() => runtime.close());

  it("throws if it sends before the connection is accepted", () => {
    expect(Room.tooEarly).to.be.instanceOf(AcceptError);
  });

  it("drops what it sends and replies after it has closed the connection", async () => {
    client.sendJson({ type: "bye", id: 1 });
    expect(await client.closed).to.include({ code: 1000 });
    await client.settle();
    expect(runtime.counters().dropped.closing).to.equal(2);
    expect(errors).to.deep.equal([]);
  });

  it("takes binary frames, and refuses them with 1003 by default", async () => {
    client.send(new Uint8Array(0));
    expect(await client.receive()).to.deep.equal(new Uint8Array([7]));
    const textOnly = communicateWith(runtime, "/text");
    await textOnly.connect();
    textOnly.send(new Uint8Array(1));
    expect(await textOnly.closed).to.include({ code: 1003 });
  });

  it("reports a reply and a frame that the contract lacks once a minute, and sends them", async () => {
    const exchange = async () => {
      client.sendJson({ type: "ask", id: 1 });
      expect(await client.receiveJson()).to.deep.include({ value: { n: "three" } });
      client.send(new Uint8Array(1));
      expect(await client.receiveJson()).to.deep.equal({ type: "other", n: 1 });
    };
    for (let count = 0; count < 5; count += 1) await exchange();
    expect(errors).to.have.length(2);
    expect(errors[0]).to.match(/^send: OutgoingFrameError: The server sent a reply to the frame "ask"/);
    expect(errors[1]).to.match(/^send: OutgoingFrameError: .* which its contract lacks\.$/);
    clock.increment(59_999);
    await exchange();
    expect(errors).to.have.length(2);
    clock.increment(1);
    await exchange();
    expect(errors).to.have.length(4);
  });

  it("stops by default if anything but a frame fails", async () => {
    client.send(new Uint8Array(9));
    clock.increment(1);
    expect(await client.closed).to.include({ code: 1011 });
    expect(errors).to.deep.equal(["timer: Error: A timer"]);
  });

  it("throws if JSON cannot hold what it sends", async () => {
    client.send(new Uint8Array(2));
    await client.receiveNothing();
    expect(errors.at(-1)).to.equal(
      "receive: TypeError: JSON cannot hold an instance of Map: send [...map] or Object.fromEntries(map) instead.",
    );
  });

  it("waits for an asynchronous schema before it handles the next frame", async () => {
    client.sendJson({ type: "slow" });
    for (let n = 0; n < 3; n += 1) client.sendJson({ type: "say", n });
    opening.open();
    for (let n = -1; n < 3; n += 1) expect(await client.receiveJson()).to.deep.equal({ type: "said", n });
  });
});

describe("An asynchronous schema that is pending", () => {
  afterEach(stopServing);

  it("causes no call of the handler after disconnect", async () => {
    opening = gate();
    const calls: string[] = [];
    class Late extends contractConsumer({ ...room, client: { slow: room.client.slow } }) {
      static override readonly frames = frames<Late>({ slow: () => calls.push("slow") });
      override disconnect() {
        calls.push("disconnect");
      }
    }
    const clock = new SimulatedClock();
    const onError = () => {};
    const runtime = createRuntime({ guards: [], clock, schemaTimeoutMs: 60_000, onError });
    runtime.route(Late);
    const client = communicateWith(runtime, "/room");
    await client.connect();
    client.sendJson({ type: "slow" });
    await nextTurn();
    const closing = client.disconnect();
    await nextTurn();
    clock.increment(5_000);
    await closing;
    opening.open();
    await nextTurn();
    expect(calls).to.deep.equal(["disconnect"]);
    expect(runtime.counters().refusedFrames["greenroom.failed"]).to.equal(1);
    await runtime.close();
  });

  it("pauses a client that sends on, and loses no frame", async () => {
    opening = gate();
    const { url, runtime } = await serve({ layers: {}, frameHighWaterMark: 10 });
    runtime.route(Room);
    const client = await Client.open(`${url}/room`);
    await client.next();
    client.send('{"type":"slow"}');
    const padding = " ".repeat(8_000);
    const count = 3_000;
    for (let n = 0; n < count; n += 1) client.send(`{"type":"say","n":${n}}${padding}`);
    // The rest of the 24 MB waits at the client, because the server does not read it.
    const pause = pauses(50);
    for (let before = -1; before !== client.websocket.bufferedAmount; await pause())
      before = client.websocket.bufferedAmount;
    expect(client.websocket.bufferedAmount).to.be.above(1_000_000);
    opening.open();
    const frames = (await client.take(count + 1)).map(
      (frame) => (JSON.parse(String(frame)) as { n: number }).n,
    );
    expect(frames).to.deep.equal(Array.from({ length: count + 1 }, (_, index) => index - 1));
    await client.close();
  });
});
