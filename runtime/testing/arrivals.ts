import type { Frame } from "../../actors/index.ts";

const shownCharacters = 80;

/** The queue of the frames that have arrived and are not read yet. Only one reader may wait at a time. */
export class Arrivals {
  readonly #waiting: Frame[] = [];
  #read = 0;
  #ended = false;
  #onChange: (() => void) | undefined;

  get size(): number {
    return this.#waiting.length;
  }

  push(frame: Frame): void {
    this.#waiting.push(frame);
    this.#onChange?.();
  }

  end(): void {
    this.#ended = true;
    this.#onChange?.();
  }

  shift(): Frame | undefined {
    const frame = this.#waiting.shift();
    if (frame !== undefined) this.#read += 1;
    return frame;
  }

  /** Resolves once an unread frame exists, or no more frames can arrive. */
  whenReady(): Promise<void> {
    if (this.size > 0 || this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onChange = resolve;
    });
  }

  toString(): string {
    const waiting = this.size === 0 ? "nothing" : this.#waiting.map(describeFrame).join(", ");
    return `received before: ${this.#read}, waiting: ${waiting}`;
  }
}

function describeFrame(frame: Frame): string {
  if (typeof frame !== "string") return `${frame.byteLength} bytes`;
  return JSON.stringify(
    frame.length > shownCharacters
      ? `${frame.slice(0, shownCharacters)}… (${frame.length} characters)`
      : frame,
  );
}
