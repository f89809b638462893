import type { Frame } from "../../actors/index.ts";
import { encodedSize, encodeFrame } from "./frame-encoder.ts";

/** Characters or bytes from which on a look-up is cheaper than to encode a frame again. */
const largeFrame = 1_024;

/**
 * The frames that a socket is sent in one turn of the event loop: the path from the root of a trie to a node.
 *
 * Sockets that are sent the same frames share a node, so the frames are encoded once, and all of these
 * sockets write the same bytes. The members of a room mostly get the same frames one after the other, so a
 * node remembers the few children that were asked for last.
 */
export class FrameTrie {
  /** How many frames there are. */
  readonly length: number;
  /** The last frame. */
  readonly frame: Frame;
  readonly #parent: FrameTrie | undefined;
  #size: number | undefined;
  #children: SmallLru<FrameTrie> | undefined;
  #encodedFrame: Buffer | undefined;
  #bytes: Buffer | undefined;
  /** Of the root: the large frames that were encoded last, whatever comes before them. */
  #largeFrames: SmallLru<{ readonly frame: Frame; readonly bytes: Buffer }> | undefined;

  private constructor(parent: FrameTrie | undefined, frame: Frame) {
    this.#parent = parent;
    this.frame = frame;
    this.length = parent === undefined ? 0 : parent.length + 1;
  }

  /** A new root, without frames. */
  static root(): FrameTrie {
    return new FrameTrie(undefined, "");
  }

  /** The node for these frames and `frame` after them. */
  append(frame: Frame): FrameTrie {
    this.#children ??= new SmallLru();
    return this.#children.find(frame) ?? this.#children.add(new FrameTrie(this, frame));
  }

  /** In the order appended. */
  get frames(): Frame[] {
    const frames: Frame[] = new Array(this.length);
    for (let node: FrameTrie = this; node.#parent !== undefined; node = node.#parent) {
      frames[node.length - 1] = node.frame;
    }
    return frames;
  }

  /** Bytes on the wire. */
  get size(): number {
    if (this.#size === undefined) {
      let size = 0;
      let node: FrameTrie = this;
      for (; node.#size === undefined && node.#parent !== undefined; node = node.#parent) {
        size += encodedSize(node.frame);
      }
      this.#size = size + (node.#size ?? 0);
    }
    return this.#size;
  }

  /** The frames, encoded. @throws as {@link encodeFrame} does, for one of them. */
  get bytes(): Buffer {
    this.#bytes ??= this.#encode();
    return this.#bytes;
  }

  #encode(): Buffer {
    const encoded: Buffer[] = new Array(this.length);
    let root: FrameTrie = this;
    while (root.#parent !== undefined) root = root.#parent;
    for (let node: FrameTrie = this; node.#parent !== undefined; node = node.#parent) {
      node.#encodedFrame ??= root.#encodeOnce(node.frame);
      encoded[node.length - 1] = node.#encodedFrame;
    }
    const [only] = encoded;
    return encoded.length === 1 && only !== undefined ? only : Buffer.concat(encoded);
  }

  #encodeOnce(frame: Frame): Buffer {
    if (frame.length < largeFrame) return encodeFrame(frame);
    this.#largeFrames ??= new SmallLru();
    return (this.#largeFrames.find(frame) ?? this.#largeFrames.add({ frame, bytes: encodeFrame(frame) }))
      .bytes;
  }
}

/** A comparison with one entry takes about 5 ns, and a new frame is compared with all of them. */
const capacity = 4;

/**
 * The entries of the few frames that were asked for last: the same bytes, or equal text.
 *
 * Each node of a trie has one, so it is an array: a map takes more memory and, for so few entries, more time.
 */
class SmallLru<T extends { readonly frame: Frame }> {
  /** The one that was asked for last comes first. */
  readonly #entries: T[] = [];

  find(frame: Frame): T | undefined {
    const entries = this.#entries;
    for (let index = 0; index < entries.length; index += 1) {
      const entry = entries[index];
      if (entry === undefined || entry.frame !== frame) continue;
      if (index > 0) {
        entries.splice(index, 1);
        entries.unshift(entry);
      }
      return entry;
    }
    return undefined;
  }

  /** Adds an entry that {@link find} did not give. @returns it */
  add(entry: T): T {
    if (this.#entries.length === capacity) this.#entries.pop();
    this.#entries.unshift(entry);
    return entry;
  }
}
