/** How many bytes may await replies: a frozen server must not fill the heap. */
const maxBytes = 64 * 1024 * 1024;
/** The heap that one command takes until its reply, besides its payload: about what was measured with ioredis. */
const commandBytes = 500;

/** Bytes of commands awaiting a reply on one connection. */
export class InFlightBytes {
  #bytes = 0;

  /** Whether the limit is reached: nothing more should be sent until replies come. */
  get isFull(): boolean {
    return this.#bytes >= maxBytes;
  }

  /** Counts a command with a payload of `length` bytes until `send` settles, and settles as it does. */
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
