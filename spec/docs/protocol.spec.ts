import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { WebSocketConsumer } from "greenroom";
import type { ClientControl, ServerControl } from "../../protocol/control-frames.ts";
import * as subprotocols from "../../protocol/subprotocols.ts";
import { until } from "../layers/support/until.ts";
import { Client } from "../support/client.ts";
import { quotedIn, rowsOf } from "../support/markdown-table.ts";
import { serve, stopServing } from "../support/serving.ts";

const file = fileURLToPath(new URL("../../docs/reference/protocol.md", import.meta.url));

/** The properties of the frames `F`, without `c`, by name. The compiler refuses this object if one is missing. */
type Properties<F extends { readonly c: string }> = {
  readonly [C in F["c"]]: { readonly [P in Exclude<keyof Extract<F, { c: C }>, "c">]-?: true };
};

const ofServer: Properties<Exclude<ServerControl, { readonly c: "joined" | "left" }>> = {
  hello: {
    session: true,
    resumeMs: true,
    maxBytes: true,
    maxPayload: true,
    window: true,
    beatMs: true,
    protocol: true,
  },
  resumed: { received: true, done: true, from: true },
  gone: { code: true, reason: true, missed: true, done: true },
  ack: { n: true },
  skip: { n: true },
  gap: { group: true, missed: true, fresh: true },
  ticket: { value: true },
  renew: { inMs: true },
  beat: {},
  bye: { code: true, reason: true, after: true },
};
const ofMembership: { readonly [P in keyof Extract<ServerControl, { c: "joined" | "left" }>]: true } = {
  c: true,
  group: true,
  epoch: true,
  at: true,
};
const ofClient: Properties<ClientControl> = {
  resume: { session: true, try: true, got: true },
  since: { ticket: true, marks: true },
  ack: { n: true },
  beat: {},
  renew: { token: true },
  bye: {},
};

/** Sends each text back in capital letters. */
class Shouter extends WebSocketConsumer {
  static current: Shouter | undefined;
  static isAway = false;
  static ended: number | undefined;
  override connect() {
    Shouter.current = this;
  }
  override receive(text: string) {
    this.send(text.toUpperCase());
  }
  override onAway() {
    Shouter.isAway = true;
  }
  override disconnect(code: number) {
    Shouter.ended = code;
  }
}

/** A client that does what the rows of the trace say. */
class Player {
  readonly #url: string;
  #client: Client | undefined;
  #session = "";

  constructor(url: string) {
    this.#url = url;
  }

  async play(from: string | undefined, what: string): Promise<void> {
    const quoted = quotedIn(what);
    const [, event] = /^\*(.*)\*/.exec(what) ?? [];
    const frame = quoted[0]?.replaceAll("␁", "\u0001") ?? "";
    if (event === "opens a socket") this.#client = await Client.open(this.#url, quoted);
    else if (event === "loses its socket") {
      this.#client?.websocket.terminate();
      await until(() => Shouter.isAway);
    } else if (event === "loses a frame") {
      // A frame of the client that is lost never reaches the server.
      if (from === "server") Shouter.current?.send(frame);
    } else if (event === "closes its socket") await this.#client?.close(Number(frame));
    else if (event !== undefined) throw new Error(`The trace has an unknown event: ${event}`);
    else if (from === "client")
      this.#client?.send(frame.replace('"session":"…"', `"session":"${this.#session}"`));
    else expect(await this.#received()).to.equal(frame);
  }

  /** The server's next frame. The secret of a session is left out. */
  async #received(): Promise<string> {
    const frame = String(await this.#client?.next());
    const [, session] = /"session":"([^"]+)"/.exec(frame) ?? [];
    this.#session = session ?? this.#session;
    return frame.replace(/"session":"[^"]+"/, '"session":"…"');
  }
}

describe("docs/reference/protocol.md", () => {
  let page: string;
  before(async () => {
    page = await readFile(file, "utf8");
  });
  afterEach(stopServing);

  /** The properties of each frame in the first table of a section. */
  const listedIn = (section: string) =>
    Object.fromEntries(
      rowsOf(page.slice(page.indexOf(`\n## ${section}\n`)), "`c`", "properties", "meaning").flatMap(
        ([names, properties]) =>
          quotedIn(names).map((name) => [
            name,
            Object.fromEntries(quotedIn(properties).map((property) => [property.replace("?", ""), true])),
          ]),
      ),
    );

  it("lists every control frame with its properties", () => {
    const { c: _, ...membership } = ofMembership;
    expect(listedIn("Control frames of the server")).to.deep.equal({
      ...ofServer,
      joined: membership,
      left: membership,
    });
    expect(listedIn("Control frames of the client")).to.deep.equal(ofClient);
  });

  it("lists every subprotocol", () => {
    const listed = rowsOf(page, "subprotocol", "meaning").flatMap(([name]) => quotedIn(name));
    expect(listed).to.have.members(Object.values(subprotocols).filter((name) => typeof name === "string"));
  });

  it("traces what a server says", async () => {
    Object.assign(Shouter, { current: undefined, isAway: false, ended: undefined });
    const { runtime, url } = await serve({ layers: {} });
    runtime.route("/ws", Shouter);
    const trace = rowsOf(page, "from", "text frame, or event", "meaning");
    expect(trace).to.have.length.above(20);
    const player = new Player(`${url}/ws`);
    for (const [from, what = ""] of trace) await player.play(from, what);
    await until(() => Shouter.ended === 1000);
    expect(runtime.counters().resumed).to.equal(1);
  });
});
