/** The limit, so that a frozen server does not fill the heap. */
const maxBytes = 64 * 1024 * 1024;
/** The heap that one command takes besides its payload until its reply, as measured with ioredis. */
const commandBytes = 500;

/** Bytes of commands awaiting a reply on one connection. */
export class InFlightBytes {
  #bytes = 0;

  /** Whether the limit is reached: nothing more should be sent until replies arrive. */
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
