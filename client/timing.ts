/** The time limit for `hello` or `resumed`, in milliseconds, from the call of `token`. */
export const connectTimeoutMs = 10_000;
/**
 * The delay before an attempt to connect is random, from 0 to a limit that doubles with each failure: so the clients
 * of a server that was restarted do not come back at the same time. Socket.IO and Phoenix have the same upper limit by
 * default. In milliseconds.
 */
export const firstDelayMs = 500;
export const maxDelayMs = 5_000;
/** A connection that was joined for this time was a success: the delays begin again. In milliseconds. */
export const stableAfterMs = 10_000;
/**
 * The time limit for the answer to each of two `beat`s, in milliseconds. After the sleep of a device, the first limit
 * is over although the answer may wait to be read.
 */
export const beatTimeoutMs = 2_500;
/** The longest delay of a timer of browsers and Node, in milliseconds. They end a longer one at once. */
export const maxTimerMs = 2 ** 31 - 1;
/** The longest time between a frame and its acknowledgement, in milliseconds. */
export const ackAfterMs = 1_000;
/** The time for frames that are queued when `close` is called, and for the close handshake, in milliseconds. */
export const closeTimeoutMs = 5_000;
export const leaveTimeoutMs = 1_000;
