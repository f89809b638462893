import { checkInteger, maxDelayMs } from "../layers/check-integer.ts";
import { InvalidOptionError } from "../layers/errors.ts";

/** How much one connection may take, and for how long; and how soon a dead node is noticed. */
export interface Limits {
  /** Milliseconds for the guards and `connect` together, up to `accept`. @default 15_000 */
  readonly connectTimeoutMs: number;
  /** Milliseconds that a running handler, and then `disconnect`, get when a connection is on its way out. @default 5_000 */
  readonly handlerGraceMs: number;
  /** Milliseconds for the other side to answer a close frame before its socket is cut. @default 5_000 */
  readonly closeTimeoutMs: number;
  /**
   * Milliseconds between two pings to a client. One that gives no sign of life until the next, not a single byte, is cut, so
   * that who vanished without a word is gone within twice that. A client that is not read, since its frames wait for a handler,
   * is not judged: `handlerTimeoutMs` of its consumer bounds that.
   * @default 25_000
   */
  readonly pingIntervalMs: number;
  /** Bytes of the largest frame a client may send; a larger one closes with 1009. @default 65_536 */
  readonly maxPayload: number;
  /**
   * Bytes that may wait for a client that reads too slowly. If there are more when something is to be written, it is closed
   * with 3008. What one turn of the event loop sends is written however much it is; who sends more than this in one, and more
   * soon after, wants a larger limit.
   * @default 1_048_576
   */
  readonly maxLagBytes: number;
  /**
   * Milliseconds after which a client that has taken nothing of what waits for it is closed with 3008, give or take one
   * second.
   * @default 10_000
   */
  readonly maxLagMs: number;
  /** Messages of layers that may wait for one actor before it is closed with 1013. @default 1_000 */
  readonly mailboxCapacity: number;
  /** Frames that may wait for one actor before its client's socket is paused. @default 100 */
  readonly frameHighWaterMark: number;
  /**
   * Milliseconds between two signs of life of this node to the others. One that gives none for three times that is gone for
   * them, and its presences with it.
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
 * @throws {InvalidOptionError} for an unknown limit, or a value that is not an integer from 1 to 2,147,483,647: no limit can be
 * switched off.
 */
export function resolveLimits(given: { readonly [K in keyof Limits]?: Limits[K] | undefined }): Limits {
  const limits: Record<string, number> = { ...defaults };
  for (const [name, value] of Object.entries(given)) {
    if (!(name in defaults)) {
      throw new InvalidOptionError(
        `There is no option "${name}". The limits are: ${Object.keys(defaults).join(", ")}.`,
      );
    }
    if (value !== undefined) limits[name] = checkInteger(name, value, { max: maxDelayMs });
  }
  return limits as unknown as Limits;
}
