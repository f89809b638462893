import { createHash } from "node:crypto";
import type { Frame } from "../../actors/index.ts";
import { SmallLru } from "../socket/small-lru.ts";

/**
 * V8 does not read a longer text for its hash, so all texts of such a length have the same one. A map compares them
 * with each other: with 6,400 texts of 20,000 characters, which a client can cause, a look-up took 30 ms.
 */
const maxHashedLength = 16_383;

/** Maps frames to their ids. Texts are the same by value, and buffers by identity. */
export class FrameIds {
  readonly #ids = new Map<Frame, number>();
  /** The ids of long texts, by digest. */
  readonly #longTexts = new Map<string, number>();
  /** A room of clients gets the same frames in turn, and a digest takes about 1 µs per KiB. */
  readonly #digests = new SmallLru<{ readonly frame: Frame; readonly digest: string }>();

  get(frame: Frame): number | undefined {
    return isLong(frame) ? this.#longTexts.get(this.#digestOf(frame)) : this.#ids.get(frame);
  }

  set(frame: Frame, id: number): void {
    if (isLong(frame)) this.#longTexts.set(this.#digestOf(frame), id);
    else this.#ids.set(frame, id);
  }

  delete(frame: Frame): void {
    if (isLong(frame)) this.#longTexts.delete(digest(frame));
    else this.#ids.delete(frame);
  }

  #digestOf(frame: string): string {
    return (this.#digests.find(frame) ?? this.#digests.add({ frame, digest: digest(frame) })).digest;
  }
}

const isLong = (frame: Frame): frame is string => typeof frame === "string" && frame.length > maxHashedLength;

/**
 * A client must not find two texts with the same digest, so the hash is a cryptographic one. Texts that have the same
 * bytes on the wire may have the same digest.
 */
const digest = (text: string): string => createHash("sha256").update(text).digest("base64");
