/** How much may be sent without an answer, so that a server that froze does not fill the heap. */
const most = 64 * 1024 * 1024;
/** What a command costs while it is unanswered, beside its payload: about what was measured with ioredis. */
const commandBytes = 500;

/** Counts what one connection has sent and was not told the outcome of, as bytes of the heap. */
export class UnansweredBytes {
  #bytes = 0;

  /** Whether nothing more should be sent until answers come. */
  get isFull(): boolean {
    return this.#bytes >= most;
  }

  /** Settles as `send` does, whose payload has `length` bytes. */
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
