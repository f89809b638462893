import type { Frame } from "../../actors/index.ts";

const shownCharacters = 80;

/** The frames that came and were not taken yet, for one who waits at a time. */
export class Arrivals {
  readonly #waiting: Frame[] = [];
  #taken = 0;
  #ended = false;
  #onChange: (() => void) | undefined;

  get size(): number {
    return this.#waiting.length;
  }

  put(frame: Frame): void {
    this.#waiting.push(frame);
    this.#onChange?.();
  }

  /** No more will come. */
  end(): void {
    this.#ended = true;
    this.#onChange?.();
  }

  /** Takes the oldest. */
  shift(): Frame | undefined {
    const frame = this.#waiting.shift();
    if (frame !== undefined) this.#taken += 1;
    return frame;
  }

  /** Resolves once there is a frame, or none will come. */
  change(): Promise<void> {
    if (this.size > 0 || this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onChange = resolve;
    });
  }

  /** What came, for people. */
  toString(): string {
    const waiting = this.size === 0 ? "nothing" : this.#waiting.map(show).join(", ");
    return `received before: ${this.#taken}, waiting: ${waiting}`;
  }
}

/** A frame, for people. */
export function show(frame: Frame): string {
  if (typeof frame !== "string") return `${frame.byteLength} bytes`;
  return JSON.stringify(
    frame.length > shownCharacters
      ? `${frame.slice(0, shownCharacters)}… (${frame.length} characters)`
      : frame,
  );
}
