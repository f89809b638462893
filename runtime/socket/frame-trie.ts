import type { Frame } from "../../actors/index.ts";
import { encodedSize, encodeFrame } from "./frame-encoder.ts";

/** Length in characters or bytes from which a look-up is cheaper than encoding a frame again. */
const largeFrame = 1_024;

/**
 * A node of a trie. The path from the root to a node is the sequence of frames for a socket in one turn of
 * the event loop.
 *
 * Sockets with the same frames share a node, so the frames are encoded once and all these sockets write the
 * same bytes. The members of a room mostly receive the same frames in succession, so a node remembers only
 * its few children that were used last.
 */
export class FrameTrie {
  readonly length: number;
  /** The last frame. */
  readonly frame: Frame;
  readonly #parent: FrameTrie | undefined;
  #size: number | undefined;
  #children: SmallLru<FrameTrie> | undefined;
  #encodedFrame: Buffer | undefined;
  #bytes: Buffer | undefined;
  /** Only in the root: the large frames that were encoded last, after any other frames. */
  #largeFrames: SmallLru<{ readonly frame: Frame; readonly bytes: Buffer }> | undefined;

  private constructor(parent: FrameTrie | undefined, frame: Frame) {
    this.#parent = parent;
    this.frame = frame;
    this.length = parent === undefined ? 0 : parent.length + 1;
  }

  static root(): FrameTrie {
    return new FrameTrie(undefined, "");
  }

  /** Returns the node for these frames followed by `frame`. */
  append(frame: Frame): FrameTrie {
    this.#children ??= new SmallLru();
    return this.#children.find(frame) ?? this.#children.add(new FrameTrie(this, frame));
  }

  get frames(): Frame[] {
    const frames: Frame[] = new Array(this.length);
    for (let node: FrameTrie = this; node.#parent !== undefined; node = node.#parent) {
      frames[node.length - 1] = node.frame;
    }
    return frames;
  }

  /** Size on the wire, in bytes. */
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

  /** The encoded frames. @throws {TypeError} if the buffer of a frame was transferred. */
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

/** A comparison with one entry takes about 5 ns, and a new frame is compared with all entries. */
const capacity = 4;

/**
 * The entries of the few frames that were used last: identical bytes, or equal text. It is an array, because
 * each node of a trie has one, and for so few entries a map takes more memory and time.
 */
class SmallLru<T extends { readonly frame: Frame }> {
  /** The most recently used entry is the first. */
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

  /** Adds an entry that {@link find} did not return. */
  add(entry: T): T {
    if (this.#entries.length === capacity) this.#entries.pop();
    this.#entries.unshift(entry);
    return entry;
  }
}
