import type { Frame } from "../../actors/index.ts";
import { payloadSize } from "../socket/frame-encoder.ts";

/**
 * Counted for each log that holds a frame, in bytes. Measured: 0.2 bytes if the frames of the log have consecutive ids,
 * and 19 if no two of them have.
 */
export const referenceBytes = 8;

/** Counted for each frame besides its payload, in bytes. Measured: 100 bytes if each frame is in one log. */
export const frameBytes = 100;

/** The number of frames in a page. An empty page is removed, so a frame that stays keeps about 800 bytes. */
const pageSize = 32;

/** Frames with consecutive ids. */
class Page {
  readonly frames: (Frame | undefined)[] = new Array(pageSize).fill(undefined);
  /** The sizes of the payloads, in bytes. */
  readonly bytes: number[] = new Array(pageSize).fill(0);
  /** The number of logs that hold each frame. */
  readonly logs: number[] = new Array(pageSize).fill(0);
  /** The number of frames that are held by a log. */
  size = 0;
}

/**
 * The frames in the logs of all sessions of a node. Texts are the same by value, and buffers by identity.
 *
 * Frames have ids, which increase. A log holds ids and not references: the garbage collector would have to look at
 * each reference from an old log to a young frame. With references, a room of 1,000 sessions spent three times as
 * long on garbage collection as without sessions.
 */
export class LoggedFrames {
  /** The ids of the frames that are held. */
  readonly #ids = new Map<Frame, number>();
  readonly #pages = new Map<number, Page>();
  #nextId = 0;
  /** The frame that was kept last, because a room often gets one frame at a time. */
  #latest: Frame | undefined;
  #latestId = -1;
  /** The page that was used last, and its number. */
  #page = new Page();
  #pageNumber = -1;
  #bytes = 0;
  #keptBytes = 0;

  /**
   * The estimated memory of all logs, in bytes: the payload of each frame and {@link frameBytes} once, however many
   * logs hold it, and {@link referenceBytes} for each log that holds it.
   */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns the id of `frame`, for one more log. */
  keep(frame: Frame): number {
    if (frame !== this.#latest) {
      this.#latest = frame;
      this.#latestId = this.#ids.get(frame) ?? this.#add(frame);
    }
    const id = this.#latestId;
    const { bytes, logs } = this.#pageOf(id);
    const index = id % pageSize;
    logs[index] = (logs[index] as number) + 1;
    this.#keptBytes = bytes[index] as number;
    this.#bytes += referenceBytes;
    return id;
  }

  /** The size of the payload of the frame that was kept last, in bytes. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** The frame of an id that a log holds. */
  frameOf(id: number): Frame {
    return this.#pageOf(id).frames[id % pageSize] as Frame;
  }

  /**
   * Called when a log no longer holds `count` frames, whose ids begin with `first`.
   * @returns the size of their payloads, in bytes.
   */
  release(first: number, count: number): number {
    let released = 0;
    for (let id = first; id < first + count; id += 1) {
      const page = this.#pageOf(id);
      const index = id % pageSize;
      const logs = (page.logs[index] as number) - 1;
      const bytes = page.bytes[index] as number;
      page.logs[index] = logs;
      released += bytes;
      if (logs === 0) this.#remove(id, page, bytes);
    }
    this.#bytes -= count * referenceBytes;
    return released;
  }

  #add(frame: Frame): number {
    const id = this.#nextId;
    this.#nextId += 1;
    const number = Math.floor(id / pageSize);
    if (!this.#pages.has(number)) this.#pages.set(number, new Page());
    const page = this.#pageOf(id);
    const bytes = payloadSize(frame);
    page.frames[id % pageSize] = frame;
    page.bytes[id % pageSize] = bytes;
    page.size += 1;
    this.#ids.set(frame, id);
    this.#bytes += bytes + frameBytes;
    return id;
  }

  #remove(id: number, page: Page, bytes: number): void {
    this.#bytes -= bytes + frameBytes;
    this.#ids.delete(page.frames[id % pageSize] as Frame);
    page.frames[id % pageSize] = undefined;
    page.size -= 1;
    if (page.size === 0) {
      this.#pages.delete(this.#pageNumber);
      this.#pageNumber = -1;
    }
    if (id === this.#latestId) this.#latest = undefined;
  }

  #pageOf(id: number): Page {
    const number = Math.floor(id / pageSize);
    if (number !== this.#pageNumber) {
      this.#pageNumber = number;
      this.#page = this.#pages.get(number) as Page;
    }
    return this.#page;
  }
}
