import type { Frame } from "../../actors/index.ts";
import { encodedSize, encodeFrame } from "./frame-encoder.ts";
import { SmallLru } from "./small-lru.ts";

/** Encoded frames in several buffers, so that a part that waits in a socket does not keep the others in memory. */
export interface EncodedParts {
  readonly parts: readonly Buffer[];
  /** Size of all parts, in bytes. */
  readonly size: number;
}

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
  /** The whole sequence. */
  #encoded: Buffer | EncodedParts | undefined;
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

  /**
   * This node's sequence of frames, encoded: a buffer of at most `maxBytes`, or several. In several, a large frame has
   * a buffer of its own, which other sequences share, and which may be larger.
   * @throws {TypeError} if a frame's buffer was transferred.
   */
  encode(maxBytes: number): Buffer | EncodedParts {
    this.#encoded ??= join(this.#encodeEach(), maxBytes);
    return this.#encoded;
  }

  #encodeEach(): readonly Buffer[] {
    const encoded: Buffer[] = new Array(this.length);
    let root: FrameTrie = this;
    while (root.#parent !== undefined) root = root.#parent;
    for (let node: FrameTrie = this; node.#parent !== undefined; node = node.#parent) {
      node.#encodedFrame ??= root.#encodeOnce(node.frame);
      encoded[node.length - 1] = node.#encodedFrame;
    }
    return encoded;
  }

  #encodeOnce(frame: Frame): Buffer {
    if (frame.length < largeFrame) return encodeFrame(frame);
    this.#largeFrames ??= new SmallLru();
    return (this.#largeFrames.find(frame) ?? this.#largeFrames.add({ frame, bytes: encodeFrame(frame) }))
      .bytes;
  }
}

function join(frames: readonly Buffer[], maxBytes: number): Buffer | EncodedParts {
  let size = 0;
  for (const { length } of frames) size += length;
  return size <= maxBytes ? concat(frames) : { parts: partsOf(frames, maxBytes), size };
}

function partsOf(frames: readonly Buffer[], maxBytes: number): readonly Buffer[] {
  const parts: Buffer[] = [];
  let group: Buffer[] = [];
  let size = 0;
  const endGroup = () => {
    if (group.length > 0) parts.push(concat(group));
    group = [];
    size = 0;
  };
  for (const frame of frames) {
    const isLarge = frame.length > maxBytes / 8;
    if (isLarge || size + frame.length > maxBytes) endGroup();
    if (isLarge) {
      parts.push(frame);
      continue;
    }
    group.push(frame);
    size += frame.length;
  }
  endGroup();
  return parts;
}

function concat(buffers: readonly Buffer[]): Buffer {
  const [only] = buffers;
  return buffers.length === 1 && only !== undefined ? only : Buffer.concat(buffers);
}
