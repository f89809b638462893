import { checkInteger, maxDelayMs } from "../layers/check-integer.ts";
import { InvalidOptionError } from "../layers/errors.ts";

/** Limits of one connection, and the heartbeat interval of a node. */
export interface Limits {
  /** Milliseconds for the guards and `connect` together, up to `accept`. @default 15_000 */
  readonly connectTimeoutMs: number;
  /** Milliseconds for a running handler, then for `disconnect`, when a connection closes. @default 5_000 */
  readonly handlerGraceMs: number;
  /** Milliseconds for the client to answer a close frame before its socket is destroyed. @default 5_000 */
  readonly closeTimeoutMs: number;
  /**
   * Milliseconds between two pings to a client. A client that sends no byte until the next ping is
   * disconnected, so a silent client is dropped within two intervals. A paused client, whose frames wait for
   * a handler, is exempt: use the consumer's `handlerTimeoutMs` to bound that.
   * @default 25_000
   */
  readonly pingIntervalMs: number;
  /** Maximum size of a client's frame, in bytes; a larger one closes with 1009. @default 65_536 */
  readonly maxPayload: number;
  /**
   * Bytes that may wait for a slow client. A client with more is closed with 3008 at the next write. The
   * frames of one turn of the event loop are always written, even if larger; set a larger limit if a turn
   * sends more than this and more follows soon.
   * @default 1_048_576
   */
  readonly maxLagBytes: number;
  /**
   * Milliseconds, give or take one second, after which a client that reads none of its waiting bytes is
   * closed with 3008.
   * @default 10_000
   */
  readonly maxLagMs: number;
  /** Maximum number of layer messages waiting for one actor; one more closes with 1013. @default 1_000 */
  readonly mailboxCapacity: number;
  /** Number of waiting frames of one actor above which its client's socket is paused. @default 100 */
  readonly frameHighWaterMark: number;
  /**
   * Milliseconds between two heartbeats of this node. The other nodes drop a node, and its presences, after
   * three intervals without a heartbeat.
   * @default 5_000
   */
  readonly nodeHeartbeatMs: number;
}

const defaults: Limits = {
  connectTimeoutMs: 15_000,
  handlerGraceMs: 5_000,
  closeTimeoutMs: 5_000,
  pingIntervalMs: 25_000,
  maxPayload: 65_536,
  maxLagBytes: 1_048_576,
  maxLagMs: 10_000,
  mailboxCapacity: 1_000,
  frameHighWaterMark: 100,
  nodeHeartbeatMs: 5_000,
};

/**
 * The defaults, overridden by `given`. A value of `undefined` counts as absent.
 *
 * @throws {InvalidOptionError} for an unknown limit, or for a value outside 1 to 2,147,483,647.
 */
export function resolveLimits(given: { readonly [K in keyof Limits]?: Limits[K] | undefined }): Limits {
  const limits: Record<string, number> = { ...defaults };
  for (const [name, value] of Object.entries(given)) {
    if (!(name in defaults)) {
      throw new InvalidOptionError(
        `Unknown option "${name}". The limits are: ${Object.keys(defaults).join(", ")}.`,
      );
    }
    if (value !== undefined) limits[name] = checkInteger(name, value, { max: maxDelayMs });
  }
  return limits as unknown as Limits;
}
