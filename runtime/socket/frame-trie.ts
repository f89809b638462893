import type { Frame } from "../../actors/index.ts";
import { encodedSize, encodeFrame } from "./frame-encoder.ts";
import { SmallLru } from "./small-lru.ts";

/** The minimum length of a large frame, in characters or bytes. Encoding large frames again is slow. */
const largeFrame = 1_024;

/**
 * A node of a trie. Each node stands for the sequence of frames on the path from the root. Sockets with the
 * same frames share a node, so the frames are encoded once.
 */
export class FrameTrie {
  readonly length: number;
  /** The last frame of this node's sequence. */
  readonly frame: Frame;
  readonly #parent: FrameTrie | undefined;
  #size: number | undefined;
  #children: SmallLru<FrameTrie> | undefined;
  #encodedFrame: Buffer | undefined;
  #bytes: Buffer | undefined;
  /** The large frames that were encoded last. Only the root has this list. All sequences use it. */
  #largeFrames: SmallLru<{ readonly frame: Frame; readonly bytes: Buffer }> | undefined;

  private constructor(parent: FrameTrie | undefined, frame: Frame) {
    this.#parent = parent;
    this.frame = frame;
    this.length = parent === undefined ? 0 : parent.length + 1;
  }

  static root(): FrameTrie {
    return new FrameTrie(undefined, "");
  }

  /** Returns the child node for this node's sequence plus `frame`. */
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

  /** Size of this node's sequence of frames on the wire, in bytes. */
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

  /** This node's sequence of frames, encoded. @throws {TypeError} if a frame's buffer was transferred. */
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
