import { CloseCode, type Frame } from "../../actors/index.ts";
import { Fifo } from "../../layers/fifo.ts";
import type { Counters } from "../counters.ts";
import { ConnectionLostError } from "../errors.ts";
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

  accept(): boolean {
    return true;
  }

  reject(): void {
    this.#end();
  }

  send(frame: Frame): void {
    this.outgoing.push(frame);
  }

  /** Resolves immediately unless a reader of {@link outgoing} has many unread frames. */
  drained(): Promise<void> {
    if (this.#ended) return Promise.reject(ConnectionLostError.whileSending());
    return this.#outgoing?.drained() ?? Promise.resolve();
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
  /** Whether frames are read. Before the first read, and after the last one, no reader can be awaited. */
  #isRead = false;
  #onRoom: (() => void) | undefined;
  #room: Promise<void> | undefined;

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
    this.#settle();
  }

  /**
   * Resolves once the reader has at most half of the capacity unread, and immediately without a reader.
   * @throws {ConnectionLostError} if the connection ends before that.
   */
  drained(): Promise<void> {
    if (this.#hasRoom) return Promise.resolve();
    this.#room ??= new Promise((resolve, reject) => {
      this.#onRoom = () => (this.#ended ? reject(ConnectionLostError.whileSending()) : resolve());
    });
    return this.#room;
  }

  /** @throws {Error} if an earlier call of `next` is pending. */
  async next(): Promise<IteratorResult<Frame>> {
    this.#isRead = true;
    const frame = this.#waiting.shift();
    this.#settle();
    if (frame !== undefined) return { done: false, value: frame };
    if (this.#ended) return { done: true, value: undefined };
    if (this.#reader) throw new Error("`outgoing` already has a reader, which waits for the next frame.");
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  /** Called when the reader leaves its loop early. */
  async return(): Promise<IteratorResult<Frame>> {
    this.#isRead = false;
    this.#settle();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  get #hasRoom(): boolean {
    return !this.#isRead || this.#waiting.size <= capacity / 2;
  }

  #settle(): void {
    if (!this.#ended && !this.#hasRoom) return;
    this.#onRoom?.();
    this.#onRoom = undefined;
    this.#room = undefined;
  }
}
