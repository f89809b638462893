import { checkInteger, maxDelayMs } from "../layers/check-integer.ts";
import { InvalidOptionError } from "../layers/errors.ts";

/** Limits of one connection or upgrade, and the heartbeat interval of a node. */
export interface Limits {
  /**
   * Milliseconds that the guards and `connect` together may take to accept a connection, together with the time
   * for which the upgrade waits; or that the guards may take to admit a plain GET. @default 15_000
   */
  readonly connectTimeoutMs: number;
  /**
   * Maximum number of upgrades that may wait until the event loop has time for them. One more is refused with 503
   * and a `Retry-After`. @default 10_000
   */
  readonly maxWaitingUpgrades: number;
  /**
   * Milliseconds that an upgrade may have to wait until the event loop has time for it, estimated from the
   * measured rate. An upgrade that would wait longer is refused as soon as it arrives, with 503 and a `Retry-After`.
   * @default 5_000
   */
  readonly maxUpgradeWaitMs: number;
  /** Milliseconds to wait for a closing actor's handler, and then again for `disconnect`. @default 5_000 */
  readonly handlerGraceMs: number;
  /** Milliseconds to wait for the answer to a close frame, before the socket is destroyed. @default 5_000 */
  readonly closeTimeoutMs: number;
  /**
   * Milliseconds that other listeners of a server may take to answer an upgrade that the runtime leaves to
   * them. After this time, the runtime answers with 404, and counts the upgrade as `unanswered`. Also the
   * milliseconds that an upgrade may wait for an earlier response of its connection. After this time, the
   * runtime cuts the connection, and counts the upgrade, too.
   * @default 5_000
   */
  readonly unansweredUpgradeMs: number;
  /**
   * Milliseconds between two pings to a client. A client that sends no byte between two pings is
   * disconnected, so a silent client is dropped within two intervals. A client that is paused while its
   * frames wait for a handler is not disconnected. The consumer's `handlerTimeoutMs` can limit this pause.
   * @default 25_000
   */
  readonly pingIntervalMs: number;
  /** Maximum bytes of a client's frame. A larger frame closes the connection with 1009. @default 65_536 */
  readonly maxPayload: number;
  /**
   * Maximum number of fragments of a client's message. One more closes the connection with 1008. Each
   * fragment takes memory of its own. Chromium sends 128 KiB in each fragment.
   * @default 128, or one for each KiB of `maxPayload` if that is more
   */
  readonly maxFragments: number;
  /**
   * Milliseconds within which a client has to finish a message, or to send at least 16 KiB of it. Otherwise
   * the connection closes with 1008, up to one second later. The time starts again after each 16 KiB, so a
   * large message may take long. Does not apply while the client is paused.
   * @default 30_000
   */
  readonly messageTimeoutMs: number;
  /**
   * Maximum number of bytes that may wait for a slow client. If more bytes wait at the next write, the
   * connection closes with 3008. The frames of one turn of the event loop are written even if they exceed
   * this limit. If your application sends more frames soon after such a turn, set a larger limit.
   * @default 1_048_576
   */
  readonly maxLagBytes: number;
  /**
   * If bytes wait for a client, and the client makes no progress for this many milliseconds, the connection
   * closes with 3008, up to one second earlier or later. A client that reads 128 KiB in this time makes
   * progress, even if a proxy or the operating system holds more bytes for it.
   * @default 10_000
   */
  readonly maxLagMs: number;
  /** Limit of waiting layer messages. A further message closes the connection with 1013. @default 1_000 */
  readonly mailboxCapacity: number;
  /** Limit of waiting frames. If more frames wait, the client's socket is paused. @default 100 */
  readonly frameHighWaterMark: number;
  /**
   * Milliseconds that an asynchronous schema of a contract may take for a client's frame. After this time, the
   * frame is refused with `greenroom.failed`, its handler does not run, and a late result is ignored. The frames
   * behind it wait meanwhile. A schema that blocks the event loop cannot be stopped.
   *
   * A schema that throws, rejects or returns garbage fails its frame only. So does a schema that leaves a rejected
   * promise behind, unless `ownAsyncErrors` is false.
   * @default 5_000
   */
  readonly schemaTimeoutMs: number;
  /**
   * Milliseconds between heartbeats. Other nodes drop a node and its presences three to four intervals after
   * its last heartbeat, unless they are cut off themselves.
   * @default 5_000
   */
  readonly nodeHeartbeatMs: number;
  /**
   * Maximum number of sessions whose client is away, and of ended sessions with last frames for their client. Beyond
   * it, the session that has been away for longest ends. @default 10_000
   */
  readonly maxAwaySessions: number;
  /**
   * Maximum bytes of frames that all sessions of the node keep until their clients acknowledge them. A frame for many
   * sessions counts once, with 100 bytes more, plus 8 bytes for each session. Beyond it, the sessions that have been
   * away for longest end. @default 268_435_456
   */
  readonly maxSessionBytes: number;
}

const defaults: Limits = {
  connectTimeoutMs: 15_000,
  maxWaitingUpgrades: 10_000,
  maxUpgradeWaitMs: 5_000,
  handlerGraceMs: 5_000,
  closeTimeoutMs: 5_000,
  unansweredUpgradeMs: 5_000,
  pingIntervalMs: 25_000,
  maxPayload: 65_536,
  maxFragments: 128,
  messageTimeoutMs: 30_000,
  maxLagBytes: 1_048_576,
  maxLagMs: 10_000,
  mailboxCapacity: 1_000,
  frameHighWaterMark: 100,
  schemaTimeoutMs: 5_000,
  nodeHeartbeatMs: 5_000,
  maxAwaySessions: 10_000,
  maxSessionBytes: 268_435_456,
};

/** Merges `given` into the defaults. @throws {InvalidOptionError} for an unknown or invalid limit. */
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
  const { maxPayload, maxFragments } = limits as unknown as Limits;
  if (given.maxFragments === undefined)
    limits.maxFragments = Math.max(maxFragments, Math.ceil(maxPayload / 1_024));
  return limits as unknown as Limits;
}
