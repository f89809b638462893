import type { Socket } from "node:net";
import { type Clock, type Frame, type RuntimeOptions, WebSocketConsumer } from "greenroom";
import { encodeFrame, Opcode } from "../../support/raw-websocket.ts";
import { serve } from "../../support/serving.ts";

/** A consumer that records its frames. */
export abstract class Reader extends WebSocketConsumer {
  readonly heard: Frame[] = [];
  /** The calls after `disconnect`. */
  readonly late: Frame[] = [];
  /** Resolves with the code of `disconnect`. */
  readonly ended: Promise<number>;
  #end = (_code: number) => {};
  #hasEnded = false;

  constructor(...args: ConstructorParameters<typeof WebSocketConsumer>) {
    super(...args);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  override receive(text: string): void | Promise<void> {
    return this.#hear(text);
  }

  override receiveBinary(bytes: Uint8Array): void | Promise<void> {
    return this.#hear(bytes);
  }

  override disconnect(code: number) {
    this.#hasEnded = true;
    this.#end(code);
  }

  #hear(frame: Frame): void | Promise<void> {
    (this.#hasEnded ? this.late : this.heard).push(frame);
    return this.work(frame);
  }

  /** Handles a frame that was recorded. */
  abstract work(frame: Frame): void | Promise<void>;
}

/** Node's timers. Unlike the default, its time does not use `performance.now`, which specs replace. */
const timers: Clock = {
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
  now: () => Date.now(),
};

/**
 * Makes each reading of `performance.now` take 0.1 ms, so bytes are read in many slices and turns, and no slice is
 * quick: all have the smallest size. @returns a function that restores the real clock.
 */
export function passFast(): () => void {
  const { now: realNow } = performance;
  let spent = 0;
  performance.now = () => {
    spent += 0.1;
    return spent;
  };
  return () => {
    performance.now = realNow;
  };
}

/** Functions that set the clock of a spec. Each returns a function that restores the real clock. */
export const clocks = {
  "with the real clock": () => () => {},
  "with a clock that passes fast": passFast,
};

/** Starts a server at `url`, whose readers handle each frame with `work`. {@link stopServing} closes it. */
export async function serveReaders(
  work: (frame: Frame, reader: Reader) => void | Promise<void> = () => undefined,
  options: Partial<RuntimeOptions<Record<never, never>>> = {},
) {
  const readers: Reader[] = [];
  const sockets: Socket[] = [];
  const serving = await serve({ layers: {}, clock: timers, maxFrameBurst: 1_000_000, ...options });
  class Known extends Reader {
    override connect() {
      readers.push(this);
    }
    override work(frame: Frame) {
      return work(frame, this);
    }
  }
  serving.runtime.route("/ws", Known);
  serving.server.on("connection", (socket) => sockets.push(socket));
  return { ...serving, url: `${serving.url}/ws`, readers, sockets };
}

export const numbers = (count: number) => Array.from({ length: count }, (_, n) => `${n}`);

/** Frames of text, as bytes for one write. */
export const encodeTexts = (texts: readonly string[]) =>
  Buffer.concat(texts.map((text) => encodeFrame(Opcode.text, text)));

/** A close frame with the code 1000, as bytes. */
export const closeFrame = encodeFrame(Opcode.close, Buffer.from([0x03, 0xe8]));
