import { CloseCode, type Frame } from "../../actors/index.ts";
import { Fifo } from "../../layers/fifo.ts";
import type { Counters } from "../counters.ts";
import type { Transport, TransportListener } from "./transport.ts";

/** The transport of an actor without a socket. The actor's frames can be read from {@link outgoing}. */
export class InMemoryTransport implements Transport {
  readonly waitingBytes = 0;
  listener: TransportListener | undefined;
  /** Called when the connection ends, before the listener's `ended`. */
  onEnded: (() => void) | undefined;
  readonly #counters: Counters;
  #outgoing: OutgoingFrames | undefined;
  #ended = false;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /** The frames for one reader. Keeps the last 1,000 unread frames, and counts dropped frames as `unread`. */
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

  /** Ends the connection as if a client had closed it with `code`. */
  leave(code: number): void {
    if (!this.#ended) this.listener?.lost(code, "");
    this.#end();
  }

  // Without a socket, there is nothing to pause.
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

/** The frames of an actor. The iteration ends when the actor has stopped and all kept frames are read. */
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

  /** @throws {Error} if an earlier call of `next` is pending. */
  async next(): Promise<IteratorResult<Frame>> {
    const frame = this.#waiting.shift();
    if (frame !== undefined) return { done: false, value: frame };
    if (this.#ended) return { done: true, value: undefined };
    if (this.#reader) throw new Error("`outgoing` already has a reader, which waits for the next frame.");
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
