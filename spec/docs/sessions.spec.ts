import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { type Guard, WebSocketConsumer } from "greenroom";
import type { Gap, RawClient } from "greenroom/client";
import { WebSocket } from "ws";
import { SimulatedClock } from "xstate";
import type { Environment } from "../../client/environment.ts";
import { rawClient } from "../../client/raw-client.ts";
import { until } from "../layers/support/until.ts";
import { gate } from "../support/gate.ts";
import { rowsOf } from "../support/markdown-table.ts";
import { chat, serve, stopServing } from "../support/serving.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Comes back after short delays. */
const soon: Environment = Object.assign(Object.create(globalThis), { Math: { random: () => 0.01 } });

/** Sends each text back, and does what some of them say. */
class Echo extends WebSocketConsumer {
  static override readonly session = { maxFrames: 4 };
  static current: Echo | undefined;
  static isAway = false;
  static isHolding = false;
  static hold = gate();
  override connect() {
    Echo.current = this;
  }
  override async receive(text: string) {
    if (text === "hold") {
      Echo.isHolding = true;
      await Echo.hold.opened;
    }
    if (text === "fail") throw new Error("thrown");
    this.send(text);
    if (text === "close") this.close(4001, "enough");
  }
  override onAway() {
    Echo.isAway = true;
  }
}

/** The network between a client and the servers. */
class Line {
  isUp = true;
  #url: string;
  #socket: WebSocket | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /** Leads to this server from now on. */
  lead(url: string): void {
    this.#url = url;
  }

  /** Returns a socket over this line. While the line is down, nothing answers. */
  open(protocols: string[]): WebSocket {
    const url = this.isUp ? `${this.#url}/ws` : "ws://127.0.0.1:9";
    this.#socket = new WebSocket(url.replace("http", "ws"), protocols);
    return this.#socket;
  }

  /** Nothing of either end arrives any more. */
  swallow(): void {
    this.#socket?.pause();
    if (this.#socket !== undefined) this.#socket.send = () => {};
  }

  cut(): void {
    this.#socket?.terminate();
  }
}

interface Stage {
  readonly clock: SimulatedClock;
  readonly line: Line;
  readonly client: RawClient;
  readonly states: string[];
  readonly gaps: Gap[];
  readonly texts: string[];
  /** Restarts or replaces the server: returns the URL of another one. */
  nextServer(): Promise<string>;
  closeServer(): Promise<void>;
  /** The guard refuses clients from now on. */
  signOut(): void;
  /** Loses the line, and waits until the server knows. */
  lose(): Promise<void>;
  /** Opens the line again, and waits until the client is joined. */
  comeBack(): Promise<void>;
}

/** The outcome of a promise: "resolved", or the code of its error. */
const outcomeOf = (promise: Promise<void>): Promise<string> =>
  promise.then(
    () => "resolved",
    (error: { readonly code: string }) => error.code,
  );

/** The code that shows the row of the table that begins with the key. */
const cases: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  async blink({ client, line, texts, gaps, states, lose, comeBack }) {
    await client.send("one");
    line.swallow();
    const sent = [client.send("two")];
    Echo.current?.send("news");
    await lose();
    sent.push(client.send("three"));
    await comeBack();
    await Promise.all(sent);
    await until(() => texts.length === 4);
    expect(texts).to.deep.equal(["one", "news", "two", "three"]);
    expect(gaps).to.deep.equal([]);
    expect(states.filter((state) => state !== "away")).to.deep.equal(["joined", "joined"]);
  },

  async "the same for longer than"({ client, clock, line, gaps, lose, comeBack }) {
    const held = outcomeOf(client.send("hold"));
    await until(() => Echo.isHolding);
    line.swallow();
    Echo.current?.send("news");
    await lose();
    const waiting = outcomeOf(client.send("waits"));
    clock.increment(60_000);
    await comeBack();
    expect([await held, await waiting]).to.deep.equal(["ERR_MAY_HAVE_BEEN_TAKEN", "resolved"]);
    expect(gaps).to.deep.equal([{ missed: 1, fresh: true }]);
  },

  async "more than `maxBytes` or `maxFrames` wait"({ gaps, lose, comeBack }) {
    await lose();
    for (let count = 0; count < 5; count += 1) Echo.current?.send("news");
    await comeBack();
    expect(gaps).to.deep.equal([{ missed: 5, fresh: true }]);
  },

  async "more than that is without an acknowledgement"({ client, line, gaps, texts, comeBack }) {
    await client.send("one");
    line.swallow();
    for (let count = 0; count < 7; count += 1) Echo.current?.send(`news ${count}`);
    line.cut();
    await comeBack();
    await until(() => texts.length === 5);
    expect(texts).to.deep.equal(["one", "news 3", "news 4", "news 5", "news 6"]);
    expect(gaps).to.deep.equal([{ missed: 3, fresh: false }]);
  },

  async "the actor fails"({ client, gaps, states, texts }) {
    await client.send("one");
    expect(await outcomeOf(client.send("fail"))).to.equal("resolved");
    await until(() => gaps.length === 1);
    expect(gaps).to.deep.equal([{ fresh: true }]);
    await client.send("two");
    await until(() => texts.length === 2);
    expect(states).to.deep.equal(["joined", "away", "joined"]);
  },

  async "the consumer calls `close`"({ client, texts, gaps }) {
    const closing = outcomeOf(client.send("close"));
    await until(() => client.status.state === "closed");
    expect(client.status).to.deep.equal({ state: "closed", code: 4001, reason: "enough" });
    expect(texts).to.deep.equal(["close"]);
    expect(gaps).to.deep.equal([]);
    await closing;
  },

  async "the guards refuse the client"({ client, line, lose, signOut }) {
    await client.send("one");
    await lose();
    signOut();
    line.isUp = true;
    await until(() => client.status.state === "closed");
    expect(client.status).to.include({ code: 3401, status: 401, reason: "Sign in first" });
  },

  async "the server is restarted"({ client, line, gaps, texts, nextServer, closeServer }) {
    await client.send("one");
    line.lead(await nextServer());
    await closeServer();
    await until(() => gaps.length === 1 && client.status.state === "joined");
    expect(gaps).to.deep.equal([{ fresh: true }]);
    await client.send("two");
    await until(() => texts.length === 2);
  },

  async "the node [dies]"({ client, line, gaps, lose, comeBack, nextServer }) {
    const held = outcomeOf(client.send("hold"));
    await until(() => Echo.isHolding);
    Echo.current?.send("news");
    await lose();
    const waiting = outcomeOf(client.send("waits"));
    line.lead(await nextServer());
    await comeBack();
    expect([await held, await waiting]).to.deep.equal(["ERR_MAY_HAVE_BEEN_TAKEN", "resolved"]);
    expect(gaps).to.deep.equal([{ fresh: true }]);
    Echo.hold.open();
  },

  async "the queue of the client"({ client, lose, comeBack }) {
    await lose();
    const outcomes = ["one", "two", "three"].map((text) => outcomeOf(client.send(text)));
    expect(await outcomes[2]).to.equal("ERR_QUEUE_FULL");
    await comeBack();
    expect(await Promise.all(outcomes.slice(0, 2))).to.deep.equal(["resolved", "resolved"]);
  },
};

/** The specs that show the other rows, by the words with which the row begins. */
const elsewhere: Readonly<Record<string, string>> = {
  "dead line": "spec/client/liveness.spec.ts",
  "the device sleeps": "spec/client/liveness.spec.ts",
  "the browser keeps the page": "spec/client/liveness.spec.ts",
  "the user reloads": "spec/client/liveness.spec.ts",
  "the tab is killed": "spec/runtime/session/session.spec.ts",
  "the user duplicates": "spec/client/sessions.spec.ts",
  "the [sign-in]": "spec/protocol/renew.spec.ts",
  "the client reads too slowly": "spec/runtime/session/session.spec.ts",
  "an `outbox` with `drop-oldest`": "spec/client/sessions.spec.ts",
};

describe("docs/guides/sessions.md", () => {
  let current: RawClient | undefined;
  afterEach(async () => {
    Echo.hold.open();
    await current?.close();
    current = undefined;
    await stopServing();
  });

  it("has a case for each row of its table", async () => {
    const rows = rowsOf(
      await readFile(`${root}/docs/guides/sessions.md`, "utf8"),
      "case",
      "client to server",
    );
    const known = [...Object.keys(cases), ...Object.keys(elsewhere)];
    expect(rows).to.have.length(known.length);
    for (const [name = ""] of rows) {
      expect(
        known.filter((words) => name.startsWith(words)),
        name,
      ).to.have.length(1);
    }
    for (const path of Object.values(elsewhere)) await stat(`${root}/${path}`);
  });

  for (const [words, work] of Object.entries(cases)) {
    it(`says what happens in the case: ${words}`, async () => {
      Object.assign(Echo, { current: undefined, isAway: false, isHolding: false, hold: gate() });
      const clock = new SimulatedClock();
      let isSignedIn = true;
      const signedIn: Guard = () => (isSignedIn ? undefined : { status: 401, reason: "Sign in first" });
      const start = async () => {
        const serving = await serve({ layers: chat(), clock, guards: [signedIn] });
        serving.runtime.route("/ws", Echo);
        return serving;
      };
      const { runtime, url } = await start();
      const line = new Line(url);
      class Socket {
        constructor(_url: string, protocols: string[]) {
          // biome-ignore lint/correctness/noConstructorReturn: the client gets the socket itself.
          return line.open(protocols);
        }
      }
      const client = rawClient({ url, WebSocket: Socket as unknown as typeof WebSocket, maxQueue: 2 }, soon);
      const [states, gaps, texts]: [string[], Gap[], string[]] = [[], [], []];
      client.onStatus(({ state }) => states.push(state));
      client.onGap((gap) => gaps.push(gap));
      client.on("text", (text) => texts.push(text));
      await until(() => client.status.state === "joined");
      current = client;
      await work({
        ...{ client, clock, line, states, gaps, texts },
        nextServer: async () => (await start()).url,
        closeServer: () => runtime.close(),
        signOut() {
          isSignedIn = false;
        },
        async lose() {
          line.isUp = false;
          line.cut();
          // While a handler runs, the consumer does not know. But then frames wait for the client.
          await until(() => Echo.isAway || (Echo.isHolding && Echo.current?.waitingBytes === 4));
        },
        async comeBack() {
          line.isUp = true;
          await until(() => client.status.state === "joined");
        },
      });
    });
  }
});
