/**
 * Refuses a client's frame with a code of the application. A handler in `frames` throws it, and the client gets
 * `{ "type": "greenroom.error", "id": …, "code": …, "message": …, "data": … }`. The connection stays open, and
 * nothing is reported. The frame is counted in `counters().refusedFrames` under the code.
 *
 * @example
 * ```ts
 * class Lot extends contractConsumer(auction) {
 *   static override readonly frames = frames<Lot>({
 *     bid({ amount }) {
 *       if (amount <= this.best) throw new FrameError("too_low", "Another bid is higher", { best: this.best });
 *       this.best = amount;
 *     },
 *   });
 *   best = 0;
 * }
 * ```
 */
export class FrameError extends Error {
  /** The code that the client gets. */
  readonly code: string;
  /** The client gets this as `data`. If JSON cannot hold it, the client gets `greenroom.failed` instead. */
  readonly data: unknown;

  /** @throws {TypeError} if the code is not a text, or begins with `greenroom.`. */
  constructor(code: string, message: string, data?: unknown) {
    if (typeof code !== "string" || code.startsWith("greenroom."))
      throw new TypeError(
        `"${code}" cannot be the code of a FrameError: codes that begin with "greenroom." belong to the protocol.`,
      );
    super(message);
    this.name = "FrameError";
    this.code = code;
    this.data = data;
  }
}
