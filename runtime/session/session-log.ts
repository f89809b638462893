import type { Frame } from "../../actors/index.ts";
import type { SessionSettings } from "../consumer-settings.ts";
import type { LoggedFrames } from "./logged-frames.ts";
import { Ranges } from "./ranges.ts";

/** The reason of a close because {@link SessionLog.acknowledge} has returned false. */
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
    this.#ids.push(this.#shared.keep(frame));
    this.#bytes += this.#shared.keptBytes;
    this.#sent += 1;
  }

  /**
   * Removes the frames up to number `n`, which the client has received. Returns false, and removes none, if that cannot
   * be: `n` is not an integer, is less than an earlier one, or is the number of a frame that was not sent.
   */
  acknowledge(n: unknown): boolean {
    const count = Number(n) - this.#acked;
    if (!Number.isInteger(n) || count < 0 || count > this.#sent - this.#acked) return false;
    this.#acked += count;
    const dropped = Math.min(count, this.#dropped);
    this.#dropped -= dropped;
    this.#remove(count - dropped);
    return true;
  }

  /** Whether the log holds more than a session may keep. */
  exceeds({ maxBytes, maxFrames }: Pick<SessionSettings, "maxBytes" | "maxFrames">): boolean {
    return this.#bytes > maxBytes || this.size > maxFrames;
  }

  /** Drops the oldest frame. The client will learn that it misses this frame. @returns whether there was one. */
  dropOldest(): boolean {
    if (this.#ids.size === 0) return false;
    this.#remove(1);
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

  /** Removes the oldest frames. */
  #remove(count: number): void {
    for (let left = count; left > 0 && this.#ids.size > 0; ) {
      const first = this.#ids.first as number;
      const removed = this.#ids.shift(left);
      this.#bytes -= this.#shared.release(first, removed);
      left -= removed;
    }
  }
}
