/** Maximum bytes of commands that await a reply. More commands to a frozen server would fill the heap. */
const maxBytes = 64 * 1024 * 1024;
/** Heap in bytes that one pending command uses in addition to its payload, as measured with ioredis. */
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
