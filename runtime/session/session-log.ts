import type { Frame } from "../../actors/index.ts";
import type { LoggedFrames } from "./logged-frames.ts";
import { Ranges } from "./ranges.ts";

/** The reason of a close because of counts for which {@link SessionLog.isPossible} is false. */
export const impossibleCounts = "Impossible counts";

/**
 * The frames of a session that its client has not acknowledged, in order. They are numbered from 1. The log holds the
 * ids of single frames, because a node of the trie of frames would keep the encoded frames of a whole turn.
 */
export class SessionLog {
  readonly #shared: LoggedFrames;
  readonly #ids = new Ranges();
  #bytes = 0;
  #sent = 0;
  #acked = 0;
  /** The number of frames directly after the acknowledged ones that the log has dropped. */
  #dropped = 0;

  constructor(shared: LoggedFrames) {
    this.#shared = shared;
  }

  /** The number of the last frame. */
  get sent(): number {
    return this.#sent;
  }

  /** The number of the last acknowledged frame. */
  get acked(): number {
    return this.#acked;
  }

  /** The number of the first frame that the log still holds, or will hold. */
  get first(): number {
    return this.#acked + this.#dropped + 1;
  }

  /** The number of frames in the log. */
  get size(): number {
    return this.#ids.size;
  }

  /** The payloads of the frames in the log, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  add(frame: Frame): void {
    const id = this.#shared.keep(frame);
    this.#ids.push(id);
    this.#bytes += this.#shared.bytesOf(id);
    this.#sent += 1;
  }

  /** Whether a client can have received exactly the frames up to `n`. */
  isPossible(n: unknown): n is number {
    return Number.isInteger(n) && this.#acked <= (n as number) && (n as number) <= this.#sent;
  }

  /** Removes the frames up to number `n`, for which {@link isPossible} is true. */
  acknowledge(n: number): void {
    let count = n - this.#acked;
    this.#acked = n;
    const dropped = Math.min(count, this.#dropped);
    this.#dropped -= dropped;
    for (count -= dropped; count > 0; count -= 1) this.#shift();
  }

  /** Drops the oldest frame. The client will learn that it misses this frame. @returns whether there was one. */
  dropOldest(): boolean {
    if (this.#ids.size === 0) return false;
    this.#shift();
    this.#dropped += 1;
    return true;
  }

  /** The frames in the log, in order. */
  *[Symbol.iterator](): IterableIterator<Frame> {
    for (const id of this.#ids) yield this.#shared.frameOf(id);
  }

  /** Removes all frames. The numbers stay. */
  clear(): void {
    while (this.dropOldest()) {}
  }

  #shift(): void {
    const id = this.#ids.shift();
    if (id !== undefined) this.#bytes -= this.#shared.release(id);
  }
}
