/** Maximum total bytes of the commands that await a reply. Keeps the heap bounded if a server freezes. */
const maxBytes = 64 * 1024 * 1024;
/** A pending command uses this many bytes of heap in addition to its payload, as measured with ioredis. */
const commandBytes = 500;

/** Counts the bytes of the commands that await a reply on one connection. */
export class InFlightBytes {
  #bytes = 0;

  get isFull(): boolean {
    return this.#bytes >= maxBytes;
  }

  /** Counts a command with a payload of `length` bytes until `send` settles. */
  async during<T>(length: number, send: () => Promise<T>): Promise<T> {
    const bytes = length + commandBytes;
    this.#bytes += bytes;
    try {
      return await send();
    } finally {
      this.#bytes -= bytes;
    }
  }
}
