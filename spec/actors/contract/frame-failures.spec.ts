import { expect } from "chai";
import {
  contractConsumer,
  createRuntime,
  type Directive,
  FrameError,
  frames,
  HandlerTimeoutError,
  RefusedFrameError,
} from "greenroom";
import { contract, type Schema } from "greenroom/contract";
import { type Communicator, communicateWith } from "greenroom/testing";
import { SimulatedClock } from "xstate";
import { z } from "zod";
import { type Gate, gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { unlessByMachine } from "../../support/serving.ts";
import { anything, schemaOf, thenableOf } from "./support/schemas.ts";

let schemaGate: Gate;
let handlerGate: Gate;
const asks = <S extends Schema>(payload: S) => ({ payload, reply: anything });

const failing = contract({
  path: "/failing",
  client: {
    run: asks(z.object({ how: z.string() })),
    echo: asks(anything),
    plain: anything,
    throwing: asks(
      schemaOf(() => {
        throw new Error("A bug of a schema");
      }),
    ),
    rejecting: asks(schemaOf(() => Promise.reject(new Error("No database")))),
    slow: asks(
      schemaOf(async (value) => {
        await schemaGate.opened;
        return { value };
      }),
    ),
  },
  server: { done: z.object({ n: z.number() }) },
});

const cycle: { self?: unknown } = {};
cycle.self = cycle;

const runs: Readonly<Record<string, () => unknown>> = {
  throws() {
    throw new Error("A bug");
  },
  "throws undefined"() {
    throw undefined;
  },
  rejects: () => Promise.reject(new Error("A bug")),
  refuses() {
    throw new FrameError("mine", "Mine", { a: [1] });
  },
  "refuses later": () => Promise.reject(new FrameError("mine", "Mine", { a: [1] })),
  "refuses with a cycle"() {
    throw new FrameError("mine", "Mine", cycle);
  },
  "refuses with bytes, later": () => Promise.reject(new FrameError("mine", "Mine", new Uint8Array(1))),
  "replies with a map": () => new Map(),
  "replies with bytes, later": async () => new Uint8Array(1),
  "replies with NaN": () => Number.NaN,
  "settles twice": () =>
    thenableOf((resolve) => {
      resolve(1);
      resolve(2);
    }),
  "settles late": () => thenableOf((resolve) => void handlerGate.opened.then(resolve)),
  "returns a thenable that throws": () =>
    thenableOf(() => {
      throw new Error("A bug");
    }),
  "replies nothing": () => undefined,
  pends: () => handlerGate.opened,
};

class Failing extends contractConsumer(failing) {
  static override readonly handlerTimeoutMs: number = 1_000;
  static called: unknown[] = [];
  override connect() {
    return this.accept();
  }
  state = "new";
  static override readonly frames = frames<Failing>({
    run: ({ how }) => runs[how]?.(),
    echo(value) {
      Failing.called.push(value);
      return { value, state: this.state };
    },
    plain() {
      this.state = "changed";
      this.send("done", { n: 1 });
    },
    throwing: () => expect.fail("called"),
    rejecting: () => expect.fail("called"),
    slow(value) {
      Failing.called.push(value);
      return "slow";
    },
  });
}
class Restarting extends Failing {
  static override readonly supervision = { onFailure: "restart" as Directive, backoffMs: 0 };
}
class Stopping extends Failing {
  static override readonly supervision = { onFailure: "stop" as Directive };
}

describe("A frame that fails", () => {
  const errors: { readonly error: unknown; readonly stage: string }[] = [];
  let clock: SimulatedClock;
  const start = () => {
    errors.length = 0;
    Failing.called = [];
    schemaGate = gate();
    handlerGate = gate();
    clock = new SimulatedClock();
    const runtime = createRuntime({
      layers: {},
      guards: [],
      clock,
      schemaTimeoutMs: 400,
      onError: unlessByMachine((error, { stage }) => errors.push({ error, stage })),
    });
    runtime.route(Failing);
    return runtime;
  };
  let runtime: ReturnType<typeof start>;
  let client: Communicator;
  const connect = async (Consumer: typeof Failing = Failing) => {
    runtime.route(Consumer, { replace: true });
    client = communicateWith(runtime, "/failing");
    expect(await client.connect()).to.include({ accepted: true });
  };
  beforeEach(async () => {
    runtime = start();
    await connect();
  });
  afterEach(() => runtime.close());

  const next = async () => (await client.receiveJson()) as { readonly [key: string]: unknown };
  const answerTo = async (frame: object) => {
    client.sendJson(frame);
    return next();
  };
  const failed = { type: "greenroom.error", id: 1, code: "greenroom.failed" };

  for (const how of [
    "throws",
    "throws undefined",
    "rejects",
    "refuses with a cycle",
    "refuses with bytes, later",
    "replies with a map",
    "replies with bytes, later",
    "replies with NaN",
    "returns a thenable that throws",
  ])
    it(`gets one \`greenroom.failed\` if its handler ${how}`, async () => {
      expect(await answerTo({ type: "run", id: 1, how })).to.deep.equal({
        ...failed,
        message: 'The server could not handle the frame "run".',
      });
      expect(await answerTo({ type: "echo", id: 2 })).to.include({ type: "greenroom.reply", id: 2 });
      await client.receiveNothing();
      expect(runtime.counters().refusedFrames).to.include({ "greenroom.failed": 1 });
      expect(runtime.counters().refusedFrames).not.to.have.property("mine");
      expect(errors.map(({ stage }) => stage)).to.deep.equal(["receive"]);
    });

  for (const how of ["refuses", "refuses later"])
    it(`gets the code and the data if its handler ${how}`, async () => {
      const mine = { type: "greenroom.error", code: "mine", message: "Mine", data: { a: [1] } };
      expect(await answerTo({ type: "run", id: 1, how })).to.deep.equal({ id: 1, ...mine });
      expect(await answerTo({ type: "run", how })).to.deep.equal(mine);
      expect(runtime.counters().refusedFrames).to.include({ mine: 2, "greenroom.failed": 0 });
      expect(runtime.counters().dropped.unhandled).to.equal(0);
      expect(errors).to.deep.equal([]);
    });

  it("gets one reply if its handler returns a thenable that settles twice", async () => {
    expect(await answerTo({ type: "run", id: 1, how: "settles twice" })).to.deep.include({ id: 1, value: 1 });
    expect(await answerTo({ type: "run", id: 2, how: "replies nothing" })).to.deep.equal({
      type: "greenroom.reply",
      id: 2,
    });
    await client.receiveNothing();
  });

  it("is awaited if its handler returns a thenable", async () => {
    client.sendJson({ type: "run", id: 1, how: "settles late" });
    client.sendJson({ type: "echo", id: 2 });
    await nextTurn();
    handlerGate.open();
    expect(await next()).to.include({ id: 1 });
    expect(await next()).to.include({ id: 2 });
  });

  it("gets no reply if it has no id", async () => {
    client.sendJson({ type: "echo", a: 1 });
    await client.receiveNothing();
    expect(Failing.called).to.deep.equal([{ a: 1 }]);
  });

  it("is answered before the connection closes, with the directive `stop`", async () => {
    await connect(Stopping);
    expect(await answerTo({ type: "run", id: 1, how: "throws" })).to.include(failed);
    expect(await client.closed).to.include({ code: 1011 });
  });

  it("is answered before the consumer is replaced, with the directive `restart`", async () => {
    await connect(Restarting);
    client.sendJson({ type: "plain" });
    expect((await next()).type).to.equal("done");
    expect(await answerTo({ type: "run", id: 1, how: "rejects" })).to.include(failed);
    client.sendJson({ type: "echo", id: 2 });
    await nextTurn();
    clock.increment(1);
    expect((await next()).value).to.deep.include({ state: "new" });
  });

  it("keeps the consumer's state by default", async () => {
    client.sendJson({ type: "plain" });
    await next();
    await answerTo({ type: "run", id: 1, how: "throws" });
    expect((await answerTo({ type: "echo", id: 2 })).value).to.deep.include({ state: "changed" });
  });

  it("is refused if its schema throws or rejects, any number of times, with one report a minute", async () => {
    for (let id = 1; id <= 30; id += 1) {
      expect(await answerTo({ type: "throwing", id })).to.deep.include({ ...failed, id });
      expect(await answerTo({ type: "rejecting", id, a: "x" })).to.deep.include({ ...failed, id });
    }
    expect(runtime.counters().refusedFrames).to.include({ "greenroom.failed": 60 });
    expect(errors.map(({ error, stage }) => `${stage}: ${error}`)).to.deep.equal([
      "frame: Error: A bug of a schema",
    ]);
    clock.increment(60_000);
    await answerTo({ type: "rejecting", id: 1, a: "x" });
    expect(errors.map(({ error, stage }) => `${stage}: ${error}`).slice(1)).to.deep.equal([
      "frame: Error: No database",
    ]);
    expect(await answerTo({ type: "echo", id: 2 })).to.include({ type: "greenroom.reply" });
  });

  it("is reported once a minute for each code", async () => {
    for (const text of ["{", "{", "3", "3", '{"type":"other"}', '{"type":"run"}', '{"type":"run"}'])
      client.send(text);
    for (let count = 0; count < 7; count += 1) expect((await next()).type).to.equal("greenroom.error");
    expect(errors.map(({ error }) => error)).to.satisfy((all: readonly unknown[]) =>
      all.every((error) => error instanceof RefusedFrameError),
    );
    expect(errors).to.have.length(4);
    clock.increment(60_000);
    client.send("{");
    await next();
    expect(errors).to.have.length(5);
    expect(runtime.counters().refusedFrames).to.include({
      "greenroom.bad_json": 3,
      "greenroom.bad_frame": 2,
      "greenroom.unknown_type": 1,
      "greenroom.invalid": 2,
    });
  });

  describe("because it takes too long", () => {
    it("gets `greenroom.failed` after schemaTimeoutMs, and its handler does not run", async () => {
      client.sendJson({ type: "slow", id: 1 });
      client.sendJson({ type: "echo", id: 2 });
      await nextTurn();
      clock.increment(400);
      expect(await next()).to.include(failed);
      expect(await next()).to.include({ id: 2 });
      schemaGate.open();
      await client.receiveNothing();
      expect(Failing.called).to.deep.equal([{}]);
      expect(errors.map(({ stage }) => stage)).to.deep.equal(["frame"]);
    });

    it("gets `greenroom.failed` after handlerTimeoutMs, and no late reply", async () => {
      client.sendJson({ type: "run", id: 1, how: "pends" });
      client.sendJson({ type: "echo", id: 2 });
      await nextTurn();
      clock.increment(1_000);
      expect(await next()).to.include(failed);
      expect(await next()).to.include({ id: 2 });
      handlerGate.open();
      await client.receiveNothing();
      expect(errors.map(({ error }) => error)).to.have.length(1);
      expect(errors[0]?.error).to.be.instanceOf(HandlerTimeoutError);
      expect(runtime.counters().refusedFrames).to.include({ "greenroom.failed": 1 });
    });

    it("gets no second answer if the handler fails late, and the connection stays", async () => {
      client.sendJson({ type: "run", id: 1, how: "pends" });
      await nextTurn();
      clock.increment(1_000);
      expect(await next()).to.include(failed);
      handlerGate.fail(new Error("A late bug"));
      await client.receiveNothing();
      expect(errors.map(({ error, stage }) => `${stage}: ${error}`).slice(1)).to.deep.equal([
        "receive: Error: A late bug",
      ]);
      expect(await answerTo({ type: "echo", id: 2 })).to.include({ id: 2 });
    });

    it("gets no second answer if the handler refuses late", async () => {
      client.sendJson({ type: "run", id: 1, how: "pends" });
      await nextTurn();
      clock.increment(1_000);
      expect(await next()).to.include(failed);
      handlerGate.fail(new FrameError("mine", "Mine"));
      await client.receiveNothing();
      expect(errors).to.have.length(1);
      expect(runtime.counters().refusedFrames).not.to.have.property("mine");
    });
  });
});

describe("A frame whose schema is pending when handlerTimeoutMs ends", () => {
  class Hasty extends Failing {
    static override readonly handlerTimeoutMs: number = 100;
  }

  it("gets `greenroom.failed`, and its handler never runs", async () => {
    const clock = new SimulatedClock();
    schemaGate = gate();
    Failing.called = [];
    const errors: unknown[] = [];
    const runtime = createRuntime({
      layers: {},
      guards: [],
      clock,
      onError: unlessByMachine((error) => errors.push(error)),
    });
    runtime.route(Hasty);
    const client = communicateWith(runtime, "/failing");
    await client.connect();
    client.sendJson({ type: "slow", id: 1 });
    client.sendJson({ type: "echo", id: 2, n: 2 });
    await nextTurn();
    clock.increment(100);
    expect(await client.receiveJson()).to.include({ id: 1, code: "greenroom.failed" });
    expect(await client.receiveJson()).to.include({ id: 2 });
    schemaGate.open();
    await client.receiveNothing();
    expect(Failing.called).to.deep.equal([{ n: 2 }]);
    expect(errors).to.have.length(1);
    await runtime.close();
  });
});
