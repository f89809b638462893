import { expect } from "chai";
import fc from "fast-check";
import { isControl, readControl } from "../../../protocol/control-frames.ts";
import { until } from "../../layers/support/until.ts";
import { gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { stopServing } from "../../support/serving.ts";
import { SessionClient } from "../support/session-client.ts";
import { Recorder, start } from "../support/session-rig.ts";

/** Follows the protocol, and comes and goes as a spec says. */
class Wanderer {
  readonly received: string[] = [];
  readonly sent: string[] = [];
  readonly problems: string[] = [];
  done = 0;
  readonly #url: string;
  #socket: SessionClient | undefined;
  #session = "";
  #attempt = 0;
  #got = 0;
  #isJoined = false;

  constructor(url: string) {
    this.#url = url;
  }

  get isJoined(): boolean {
    return this.#isJoined;
  }

  /** Opens a socket. The earlier one, if there is any, no longer counts, but stays open. */
  async come(): Promise<void> {
    const isFresh = this.#session === "";
    this.#isJoined = false;
    const socket = new SessionClient(
      this.#url,
      isFresh ? ["greenroom.v1"] : ["greenroom.v1", "greenroom.resume"],
    );
    socket.websocket.on("message", (bytes, isBinary) => {
      if (socket === this.#socket && !isBinary) this.#take(String(bytes));
    });
    this.#socket = socket;
    await new Promise((resolve) => socket.websocket.once("open", resolve));
    this.#attempt += 1;
    if (!isFresh) {
      socket.control({ c: "resume", session: this.#session, try: this.#attempt, got: this.#got });
    }
  }

  send(text: string): void {
    this.sent.push(text);
    if (this.#isJoined) this.#socket?.send(text);
  }

  acknowledge(): void {
    if (this.#isJoined) this.#socket?.control({ c: "ack", n: this.#got });
  }

  cut(): void {
    this.#isJoined = false;
    this.#socket?.cut();
    this.#socket = undefined;
  }

  #take(text: string): void {
    if (!isControl(text)) {
      this.#got += 1;
      this.received.push(text);
      return;
    }
    const { c, session, received, done, from, n } = readControl(text) as Record<string, number | string>;
    if (c === "hello") this.#session = String(session);
    else if (c === "ack") this.done = Number(n);
    else if (c === "resumed") {
      if (from !== this.#got + 1) this.problems.push(`from ${from} after ${this.#got}`);
      this.done = Number(done);
      for (const each of this.sent.slice(Number(received))) this.#socket?.send(each);
    } else if (c !== "bye") this.problems.push(text);
    this.#isJoined ||= c !== "ack";
  }
}

type Step = "serve" | "send" | "hold" | "release" | "acknowledge" | "cut" | "come" | "turn";

describe("A session", () => {
  afterEach(stopServing);

  it("carries each frame once and in order, both ways, however its client comes and goes", async () => {
    const { url, runtime, sessions } = await start();
    const steps = fc.array(
      fc.constantFrom<Step>(
        "serve",
        "serve",
        "send",
        "send",
        "hold",
        "release",
        "acknowledge",
        "cut",
        "come",
        "turn",
      ),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        Recorder.log.length = 0;
        Recorder.hold = gate();
        const client = new Wanderer(url);
        await client.come();
        await until(() => client.isJoined);
        const { current } = Recorder;
        const served: string[] = [];
        for (const step of all) {
          if (step === "serve") {
            served.push(`served ${served.length}`);
            current.send(served.at(-1) ?? "");
          } else if (step === "send") client.send(`sent ${client.sent.length}`);
          else if (step === "hold") client.send("hold");
          else if (step === "release") {
            const { hold } = Recorder;
            Recorder.hold = { ...hold, opened: Promise.resolve() };
            hold.open();
          } else if (step === "turn") await nextTurn();
          else if (step === "come") await client.come();
          else client[step]();
        }
        Recorder.hold.open();
        await client.come();
        await until(() => client.received.length >= served.length && client.done >= client.sent.length);
        await nextTurn();
        expect(client.problems).to.deep.equal([]);
        expect(client.received).to.deep.equal(served);
        const handled = Recorder.log.filter((entry) => !String(entry).startsWith("on"));
        expect(handled).to.deep.equal(client.sent);
        current.close(1000, "");
        await until(() => runtime.size === 0 && sessions.size === 0);
        expect(sessions.frames.bytes).to.equal(0);
      }),
      { numRuns: 40 },
    );
  });
});
