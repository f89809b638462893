import type { Frame } from "../../actors/index.ts";
import { encodeFrame, wireSize } from "./frame-encoder.ts";
import { Recent } from "./recent.ts";

/** Below this many characters or bytes, to frame something again is as cheap as to find out that it was framed before. */
const large = 1_024;

interface Framed {
  readonly frame: Frame;
  readonly bytes: Buffer;
}

/**
 * What is sent to a socket in one turn of the event loop: frames, one after the other. Sockets that are sent the same share one
 * sequence, so that it is encoded once and all of them write the same bytes.
 *
 * It is a trie: a sequence knows some that are one frame longer. Everybody in a room is sent the same, one after the other, so the
 * one that was asked for last is most often the one that is wanted next.
 */
export class FrameTrie {
  /** How many frames it has. */
  readonly length: number;
  /** The last of its frames. */
  readonly frame: Frame;
  /** The frames before it. */
  readonly #start: FrameTrie | undefined;
  #size: number | undefined;
  #longer: Recent<FrameTrie> | undefined;
  #framed: Buffer | undefined;
  #bytes: Buffer | undefined;
  /** Of one without frames: what those that begin with it have in common. */
  #large: Recent<Framed> | undefined;

  private constructor(start: FrameTrie | undefined, frame: Frame) {
    this.#start = start;
    this.frame = frame;
    this.length = start === undefined ? 0 : start.length + 1;
  }

  /** One without frames: what all that are to share begin with. */
  static empty(): FrameTrie {
    return new FrameTrie(undefined, "");
  }

  /** This one, and `frame` after it. */
  plus(frame: Frame): FrameTrie {
    this.#longer ??= new Recent();
    return this.#longer.find(frame) ?? this.#longer.add(new FrameTrie(this, frame));
  }

  /** Its frames, the first one first. */
  get frames(): Frame[] {
    const frames: Frame[] = new Array(this.length);
    for (let part: FrameTrie = this; part.#start !== undefined; part = part.#start) {
      frames[part.length - 1] = part.frame;
    }
    return frames;
  }

  /** How many bytes it takes on the wire. */
  get size(): number {
    const unknown: FrameTrie[] = [];
    let part: FrameTrie = this;
    for (; part.#size === undefined && part.#start !== undefined; part = part.#start) unknown.push(part);
    let size = part.#size ?? 0;
    for (const longer of unknown.reverse()) {
      size += wireSize(longer.frame);
      longer.#size = size;
    }
    return size;
  }

  /** What goes on the wire. @throws as {@link encodeFrame} does, for one of its frames. */
  get bytes(): Buffer {
    this.#bytes ??= this.#encode();
    return this.#bytes;
  }

  #encode(): Buffer {
    const framed: Buffer[] = new Array(this.length);
    const root = this.#root;
    for (let part: FrameTrie = this; part.#start !== undefined; part = part.#start) {
      part.#framed ??= root.#encodeOnce(part.frame);
      framed[part.length - 1] = part.#framed;
    }
    const [only] = framed;
    return framed.length === 1 && only !== undefined ? only : Buffer.concat(framed);
  }

  get #root(): FrameTrie {
    let root: FrameTrie = this;
    while (root.#start !== undefined) root = root.#start;
    return root;
  }

  /** Frames that begin in different ways for different sockets may well have a large one in common. */
  #encodeOnce(frame: Frame): Buffer {
    if (frame.length < large) return encodeFrame(frame);
    this.#large ??= new Recent();
    return (this.#large.find(frame) ?? this.#large.add({ frame, bytes: encodeFrame(frame) })).bytes;
  }
}
