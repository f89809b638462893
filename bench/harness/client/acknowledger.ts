/** Frames are acknowledged this long after the first of them, in milliseconds. */
const usualDueMs = 1_000;
/** A quarter of the default `maxBytes` of a session. */
const dueBytes = 262_144;

/** Decides when a client acknowledges the frames of a session: by time or by bytes, never by their number. */
export class Acknowledger {
  readonly #acknowledge: (count: number) => void;
  readonly #dueMs: number;
  #timer: NodeJS.Timeout | undefined;
  #received = 0;
  #bytes = 0;

  /** @param acknowledge called with the number of all frames so far */
  constructor(acknowledge: (count: number) => void, dueMs = usualDueMs) {
    this.#acknowledge = acknowledge;
    this.#dueMs = dueMs;
  }

  /** Counts a frame of the application. */
  receive(bytes: number): void {
    this.#received += 1;
    this.#bytes += bytes;
    if (this.#bytes >= dueBytes) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), this.#dueMs);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#bytes = 0;
    this.#acknowledge(this.#received);
  }
}
