import type { Environment } from "./environment.ts";
import { ackAfterMs } from "./timing.ts";

/**
 * Decides when the frames of the server are acknowledged: by time, because each acknowledgement costs the server more
 * than the frames do.
 * @param acknowledge called a second after the first frame without an acknowledgement, or earlier for many frames.
 */
export function createAcknowledger(environment: Environment, acknowledge: () => void) {
  /** The length of the frames without an acknowledgement, and the time of the first of them. */
  let length = 0;
  let since = 0;
  let timer: unknown;

  function finish(): void {
    reset();
    acknowledge();
  }

  /** A frame has arrived. `maxBytes` is the limit of the server for frames without an acknowledgement. */
  function add(frameLength: number, maxBytes: number): void {
    const now = environment.Date.now();
    if (!timer) {
      since = now;
      timer = environment.setTimeout(finish, ackAfterMs);
    }
    length += frameLength;
    // The timer of a busy or frozen page fires late.
    if (now - since >= ackAfterMs || length * 4 >= maxBytes) finish();
  }

  /** The server knows of all frames. */
  function reset(): void {
    length = 0;
    environment.clearTimeout(timer);
    timer = 0;
  }

  return { add, reset };
}
