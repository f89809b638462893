import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import { expect } from "chai";
import { type Frame, type RuntimeOptions, WebSocketConsumer } from "greenroom";
import { type Gate, gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { serve } from "../../support/serving.ts";

/** The frames of one turn of the event loop, in order, each with the sockets that receive it. */
export type ScriptedTurn = readonly (readonly [sockets: readonly number[], frame: Frame])[];

/** Clients that send back every message as text or binary, as received. */
export interface Echoes {
  /** The negotiated extensions of each socket. */
  readonly extensions: readonly string[];
  /** Protocol errors that the clients found. */
  readonly complaints: readonly Error[];
  stop(): void | Promise<void>;
}

/** Connects `count` sockets to `url?n=0`, `url?n=1`, …, and resolves when all are open. */
export type StartEchoes = (url: string, count: number) => Promise<Echoes>;

/** A consumer that sends the frames of a spec, and collects the echoes. */
export abstract class Speaker extends WebSocketConsumer {
  heard: string[] = [];
  #awaited = "";
  #arrived = unhandledGate();

  override receive(text: string) {
    this.#hear(text);
  }

  override receiveBinary(bytes: Uint8Array) {
    this.#hear(bytes);
  }

  override disconnect(code: number) {
    this.#arrived.fail(new Error(`The client has gone, with ${code}.`));
  }

  /** Returns all echoes up to `marker`, which MUST be unique. */
  async until(marker: string): Promise<string[]> {
    this.#awaited = summary(marker);
    if (!this.heard.includes(this.#awaited)) await this.#arrived.opened;
    const heard = this.heard;
    this.heard = [];
    this.#arrived = unhandledGate();
    return heard;
  }

  #hear(frame: Frame): void {
    const received = summary(frame);
    this.heard.push(received);
    if (received === this.#awaited) this.#arrived.open();
  }
}

/** A gate that may fail while nothing awaits it. */
function unhandledGate(): Gate {
  const arrived = gate();
  arrived.opened.catch(() => {});
  return arrived;
}

/** The kind, the length in bytes, and the content of a frame or its hash. Text is encoded as UTF-8. */
export function summary(frame: Frame): string {
  const bytes = Buffer.from(frame as string);
  const kind = typeof frame === "string" ? "text" : "bytes";
  const shown =
    bytes.length > 40 ? `#${createHash("sha1").update(bytes).digest("hex")}` : bytes.toString("latin1");
  return `${kind}(${bytes.length}) ${shown}`;
}

let scripts = 0;

/** Starts a server with one speaker per socket. {@link stopServing} closes it. */
export async function serveSpeakers(
  start: StartEchoes,
  count: number,
  options: Partial<RuntimeOptions<Record<never, never>>> = {},
  server: Server = createServer(),
) {
  const speakers: Speaker[] = [];
  class Numbered extends Speaker {
    override connect() {
      speakers[Number(this.scope.query.get("n"))] = this;
    }
  }
  const large = { maxPayload: 2 ** 21, maxLagBytes: 2 ** 26 };
  const serving = await serve({ layers: {}, guards: [], ...large, ...options }, server);
  serving.runtime.route("/speakers", Numbered);
  const echoes = await start(`${serving.url}/speakers`, count);
  return {
    ...serving,
    echoes,
    speakers,
    /** Sends all frames, and expects exactly these back from each socket, in order. */
    async play(turns: readonly ScriptedTurn[]): Promise<void> {
      const expected = speakers.map((): string[] => []);
      for (const turn of turns) {
        await nextTurn();
        for (const [sockets, frame] of turn) {
          for (const index of sockets) {
            speakers[index]?.send(frame);
            expected[index]?.push(summary(frame));
          }
        }
      }
      await nextTurn();
      scripts += 1;
      const marker = `the end of script ${scripts}`;
      for (const speaker of speakers) speaker.send(marker);
      for (const [index, speaker] of speakers.entries()) {
        const heard = await speaker.until(marker).catch((error) => {
          throw echoes.complaints[0] ?? error;
        });
        expect(heard, `socket ${index}`).to.deep.equal([...(expected[index] ?? []), summary(marker)]);
      }
    },
  };
}
