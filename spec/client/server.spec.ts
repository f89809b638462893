import { expect } from "chai";
import { contractConsumer, FrameError, frames, WebSocketConsumer } from "greenroom";
import { connect, FrameRefused } from "greenroom/client";
import { contract } from "greenroom/contract";
import { WebSocket } from "ws";
import { z } from "zod";
import type { Environment } from "../../client/environment.ts";
import { rawClient } from "../../client/raw-client.ts";
import { until } from "../layers/support/until.ts";
import { chat, serve, stopServing } from "../support/serving.ts";

/** The sockets of the clients, so that a spec can cut them. */
const sockets: WebSocket[] = [];
class CutSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols);
    sockets.push(this);
  }
}

/** Comes back without a delay. */
const atOnce: Environment = Object.assign(Object.create(globalThis), { Math: { random: () => 0 } });

/** Records its frames and sends them back. */
class Counter extends WebSocketConsumer {
  static received: string[] = [];
  override async receive(text: string) {
    Counter.received.push(text);
    this.send(`echo ${text}`);
  }
}

/** Its first actor closes the connection when a frame arrives. */
class Restarting extends WebSocketConsumer {
  static actors = 0;
  readonly #isFirst = ++Restarting.actors === 1;
  override async receive(text: string) {
    this.send(this.#isFirst ? "last" : text);
    if (this.#isFirst) this.close(1012);
  }
}

const talk = contract({
  path: "/talk/:room",
  client: {
    say: z.object({ text: z.string().min(1) }),
    count: { payload: z.object({ by: z.number() }), reply: z.object({ total: z.number() }) },
  },
  server: { said: z.object({ text: z.string() }) },
});

class Talk extends contractConsumer(talk) {
  static override readonly frames = frames<Talk>({
    say({ text }) {
      this.send("said", { text: `${this.scope.params.room}: ${text}` });
    },
    count({ by }) {
      if (by < 0) throw new FrameError("app.negative", "Count up");
      this.total += by;
      return { total: this.total };
    },
  });
  total = 0;
}

describe("A client and the server", () => {
  const clients: { close(): Promise<void> }[] = [];
  const opened = <C extends { close(): Promise<void> }>(client: C): C => {
    clients.push(client);
    return client;
  };

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    sockets.length = 0;
    await stopServing();
  });

  it("handle each frame once and in order, in both directions, although each socket is cut", async () => {
    const { runtime, url } = await serve({ layers: chat() });
    runtime.route("/count", Counter);
    Counter.received = [];
    const client = opened(rawClient({ url: `${url}/count`, WebSocket: CutSocket }, atOnce));
    const texts: string[] = [];
    const gaps: unknown[] = [];
    client.on("text", (text) => texts.push(text));
    client.onGap((gap) => gaps.push(gap));
    const numbers = Array.from({ length: 300 }, (_, n) => String(n));
    const sends: Promise<void>[] = [];
    for (let cut = 0; cut < 4; cut += 1) {
      for (const number of numbers.slice(cut * 75, (cut + 1) * 75)) sends.push(client.send(number));
      await until(() => sockets.length === cut + 1 && Counter.received.length > cut * 75);
      sockets.at(-1)?.terminate();
    }
    await Promise.all(sends);
    await until(() => texts.length === numbers.length);
    expect(Counter.received).to.deep.equal(numbers);
    expect(texts).to.deep.equal(numbers.map((number) => `echo ${number}`));
    expect(gaps).to.deep.equal([]);
    await until(() => sockets.length === 5);
  });

  // The server repeated `bye` with `after` at each resume, for `resumeMs`.
  it("begin another session after a close with 1012 by a node that stays", async () => {
    const { runtime, url } = await serve({ layers: chat() });
    runtime.route("/restart", Restarting);
    const client = opened(rawClient({ url: `${url}/restart`, WebSocket: CutSocket }, atOnce));
    const texts: string[] = [];
    const gaps: unknown[] = [];
    client.on("text", (text) => texts.push(text));
    client.onGap((gap) => gaps.push(gap));
    const sends = ["restart", "perhaps", "next"].map((text) => client.send(text));
    const outcomes = await Promise.allSettled(sends);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(["fulfilled", "rejected", "fulfilled"]);
    await until(() => texts.length === 2);
    expect(texts).to.deep.equal(["last", "next"]);
    expect(gaps).to.deep.equal([{ fresh: true }]);
    expect(sockets.length).to.equal(3);
  });

  it("speak a contract: frames, replies, refusals and events", async () => {
    const { runtime, url } = await serve({ layers: chat() });
    runtime.route(Talk);
    const room = opened(connect(talk, { url, params: { room: "tea" }, WebSocket }));
    const errors: unknown[] = [];
    room.onError((error) => errors.push(error));
    const said = room.events("said");
    await room.send("say", { text: "hi" });
    expect((await said.next()).value).to.deep.equal({ text: "tea: hi" });
    expect(await room.ask("count", { by: 2 })).to.deep.equal({ total: 2 });
    const refused = await room.ask("count", { by: -1 }).catch((error) => error);
    expect(refused).to.be.instanceOf(FrameRefused).and.include({ code: "app.negative", message: "Count up" });
    await room.send("say", { text: "" });
    expect(errors[0]).to.be.instanceOf(FrameRefused).with.property("code", "greenroom.invalid");
  });

  it("agree on a refusal, with its status and reason", async () => {
    const { runtime, url } = await serve({ layers: chat() });
    const tokens: unknown[] = [];
    runtime.route("/count", Counter, {
      guards: [
        (scope) => {
          tokens.push(scope.token);
          return { status: 401, reason: "Sign in" };
        },
      ],
    });
    const client = opened(connect({ url: `${url}/count`, WebSocket, token: async () => "secret" }));
    await until(() => client.status.state === "closed");
    expect(client.status).to.deep.equal({ state: "closed", code: 3401, reason: "Sign in", status: 401 });
    expect(tokens).to.deep.equal(["secret"]);
  });

  it("slow down if frames make actors fail, and keep the frames that no actor has begun", async () => {
    const { runtime, url } = await serve({ layers: chat() });
    class Fragile extends Counter {
      override receive(text: string): Promise<void> {
        if (text === "fail") throw new Error("Broken");
        return super.receive(text);
      }
    }
    runtime.route("/count", Fragile);
    Counter.received = [];
    const soon: Environment = Object.assign(Object.create(globalThis), { Math: { random: () => 0.01 } });
    const client = opened(rawClient({ url: `${url}/count`, WebSocket }, soon));
    const delays: number[] = [];
    client.onStatus((status) => {
      if (status.state === "away") delays.push(status.retryInMs);
    });
    for (const round of [1, 2, 3]) {
      const sends = ["fail", "perhaps", `kept ${round}`].map((text) => client.send(text));
      const outcomes = await Promise.allSettled(sends);
      expect(outcomes.map(({ status }) => status)).to.deep.equal(["fulfilled", "rejected", "fulfilled"]);
    }
    expect(Counter.received).to.deep.equal(["kept 1", "kept 2", "kept 3"]);
    expect(delays).to.deep.equal([5, 10, 20]);
  });

  it("talk without a session if the consumer refuses sessions, and begin again after a cut", async () => {
    const { runtime, url } = await serve({ layers: chat() });
    class Short extends Counter {
      static override readonly session = false as const;
    }
    runtime.route("/count", Short);
    const client = opened(rawClient({ url: `${url}/count`, WebSocket: CutSocket }, atOnce));
    const texts: string[] = [];
    const gaps: unknown[] = [];
    client.on("text", (text) => texts.push(text));
    client.onGap((gap) => gaps.push(gap));
    await client.send("a");
    await until(() => texts.length === 1);
    sockets[0]?.terminate();
    await until(() => gaps.length === 1);
    expect(gaps).to.deep.equal([{ fresh: true }]);
    await client.send("b");
    await until(() => texts.length === 2);
    expect(texts).to.deep.equal(["echo a", "echo b"]);
  });

  it("end a session once with close, and with a consumer that closes", async () => {
    const { runtime, url } = await serve({ layers: chat() });
    const exits: string[] = [];
    class Closing extends Counter {
      override receive(text: string): Promise<void> {
        if (text === "close") this.close(4001, "enough");
        return super.receive(text);
      }
      override disconnect(code: number, exit: { readonly by: string }) {
        exits.push(`${code} by ${exit.by}`);
      }
    }
    runtime.route("/count", Closing);
    const first = opened(connect({ url: `${url}/count`, WebSocket }));
    await first.send("a");
    await first.close();
    await until(() => exits.length === 1);
    const second = opened(connect({ url: `${url}/count`, WebSocket }));
    second.send("close").catch(() => {});
    await until(() => second.status.state === "closed");
    expect(second.status).to.deep.equal({ state: "closed", code: 4001, reason: "enough" });
    await until(() => exits.length === 2);
    expect(exits).to.deep.equal(["1000 by client", "4001 by consumer"]);
  });
});
