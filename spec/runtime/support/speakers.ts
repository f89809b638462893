import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import { expect } from "chai";
import { type Frame, type RuntimeOptions, WebSocketConsumer } from "greenroom";
import { type Gate, gate } from "../../support/gate.ts";
import { serve } from "../../support/serving.ts";

/** What is sent in one turn of the event loop, in order: to which sockets, and what. */
export type ScriptedTurn = readonly (readonly [sockets: readonly number[], frame: Frame])[];

/** Programs, or sockets of one, that send back every message that they get, as the kind that it is. */
export interface Echoes {
  /** What was negotiated, for each socket. */
  readonly extensions: readonly string[];
  /** What was wrong with what they got, if they can tell. */
  readonly complaints: readonly Error[];
  stop(): void | Promise<void>;
}

/** Connects `count` sockets to `url?n=0`, `url?n=1`, …, and resolves when all are open. */
export type StartEchoes = (url: string, count: number) => Promise<Echoes>;

/** A consumer that says what a spec has it say, and keeps what comes back. */
export abstract class Speaker extends WebSocketConsumer {
  heard: string[] = [];
  #awaited = "";
  #came = hopeful();

  override receive(text: string) {
    this.#hear(text);
  }

  override receiveBinary(bytes: Uint8Array) {
    this.#hear(bytes);
  }

  override disconnect(code: number) {
    this.#came.fail(new Error(`The client has gone, with ${code}.`));
  }

  /** All that came back until `marker` did, which is one that was not used before. */
  async until(marker: string): Promise<string[]> {
    this.#awaited = summary(marker);
    if (!this.heard.includes(this.#awaited)) await this.#came.opened;
    const heard = this.heard;
    this.heard = [];
    this.#came = hopeful();
    return heard;
  }

  #hear(frame: Frame): void {
    const said = summary(frame);
    this.heard.push(said);
    if (said === this.#awaited) this.#came.open();
  }
}

/** A gate that may fail with nobody before it. */
function hopeful(): Gate {
  const came = gate();
  came.opened.catch(() => {});
  return came;
}

/** What a frame is and holds, short enough to be printed. Text is taken as it is once encoded. */
export function summary(frame: Frame): string {
  const bytes = Buffer.from(frame as string);
  const kind = typeof frame === "string" ? "text" : "bytes";
  const shown =
    bytes.length > 40 ? `#${createHash("sha1").update(bytes).digest("hex")}` : bytes.toString("latin1");
  return `${kind}(${bytes.length}) ${shown}`;
}

/** The end of the next poll of the event loop: what is sent before and after it is of two turns. */
export const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

let scripts = 0;

/** A server with one speaker for each of the sockets. {@link stopServing} ends it. */
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
    /** Has everything said, and expects it back from each socket: all of it, in order, and nothing else. */
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
