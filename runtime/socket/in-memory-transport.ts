import { CloseCode, type Frame } from "../../actors/index.ts";
import type { Counters } from "../counters.ts";
import { Fifo } from "../mailbox/fifo.ts";
import type { Transport, TransportListener } from "./transport.ts";

/** The transport of an actor without a socket: the frames that it sends can be read from {@link outgoing}. */
export class InMemoryTransport implements Transport {
  readonly waitingBytes = 0;
  listener: TransportListener | undefined;
  /** Called when it has ended, before its listener is. */
  onEnded: (() => void) | undefined;
  readonly #counters: Counters;
  #outgoing: OutgoingFrames | undefined;
  #ended = false;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /** For one reader. Without one, the last 1,000 frames are kept, and the others counted as `unread`. */
  get outgoing(): OutgoingFrames {
    if (this.#outgoing === undefined) {
      this.#outgoing = new OutgoingFrames(this.#counters);
      if (this.#ended) this.#outgoing.end();
    }
    return this.#outgoing;
  }

  accept(): void {}

  reject(): void {
    this.#end();
  }

  send(frame: Frame): void {
    this.outgoing.push(frame);
  }

  close(): void {
    this.#end();
  }

  terminate(): void {
    this.leave(CloseCode.abnormal);
  }

  /** Ends it as a client does that closes. */
  leave(code: number): void {
    if (!this.#ended) this.listener?.lost(code, "");
    this.#end();
  }

  // There is no socket to pause: memory alone bounds what its actor receives.
  pause(): void {}
  resume(): void {}

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#outgoing?.end();
    this.onEnded?.();
    this.listener?.ended();
  }
}

const capacity = 1_000;

/** Ends, after the frames that are kept, when the actor has. */
class OutgoingFrames implements AsyncIterableIterator<Frame> {
  readonly #counters: Counters;
  readonly #waiting = new Fifo<Frame>();
  #ended = false;
  #reader: ((result: IteratorResult<Frame>) => void) | undefined;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  push(frame: Frame): void {
    if (this.#reader) {
      this.#reader({ done: false, value: frame });
      this.#reader = undefined;
      return;
    }
    if (this.#waiting.size === capacity) {
      this.#waiting.shift();
      this.#counters.drop("unread");
    }
    this.#waiting.push(frame);
  }

  end(): void {
    this.#ended = true;
    this.#reader?.({ done: true, value: undefined });
    this.#reader = undefined;
  }

  /** @throws {Error} if an earlier call still waits: there is one reader. */
  async next(): Promise<IteratorResult<Frame>> {
    const frame = this.#waiting.shift();
    if (frame !== undefined) return { done: false, value: frame };
    if (this.#ended) return { done: true, value: undefined };
    if (this.#reader) throw new Error("outgoing has a reader already, which waits for the next frame.");
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
