import { checkInteger, maxDelayMs } from "../../layers/check-integer.ts";
import { InvalidOptionError } from "../../layers/errors.ts";
import { otherNodes } from "./other-nodes.ts";

/**
 * Limits of a node, of an address, of one connection and of one upgrade, and the heartbeat interval of a node.
 * docs/reference/limits.md says what happens past each. A burst is the size of a token bucket: as much may come at
 * once, after a time with less.
 */
export interface Limits {
  /**
   * Maximum number of connections in all: WebSockets, and sockets of attached servers that have not sent an upgrade.
   * One more gets 503. @default 20_000
   */
  readonly maxConnections: number;
  /**
   * The same for one address of clients: an IPv4 address, or the first 64 bits of an IPv6 address. One more gets 429.
   * @default 2_000
   */
  readonly maxConnectionsPerAddress: number;
  /** Upgrades per second from one address, in the long run. One more gets 429. @default 200 */
  readonly maxUpgradesPerSecond: number;
  /** Upgrades from one address that may come at once. @default 2_000 */
  readonly maxUpgradeBurst: number;
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
   * Maximum bytes of unfinished messages of all clients, with 300 bytes more for each fragment and each read. Beyond
   * it, the connections with the largest unfinished messages close with 1008. @default 67_108_864
   */
  readonly maxUnfinishedBytes: number;
  /**
   * Frames per second from one client, in the long run. Fragments and control frames count, too. One more closes the
   * connection with 3490.
   * @default 2_000
   */
  readonly maxFramesPerSecond: number;
  /** Frames from one client that may come at once. @default 20_000 */
  readonly maxFrameBurst: number;
  /**
   * Bytes per second from one client, in the long run. One more closes the connection with 3490.
   * @default 4_194_304
   */
  readonly maxBytesPerSecond: number;
  /**
   * Bytes from one client that may come at once. Bytes are counted as they arrive: with headers, and compressed.
   * @default 33_554_432, or twice `maxPayload` if that is more
   */
  readonly maxByteBurst: number;
  /** Groups that one actor may be in. `groupAdd` rejects with `LimitError` for one more. @default 1_000 */
  readonly maxGroupsPerConnection: number;
  /** Groups that one actor may be present in. `track` throws `LimitError` for one more. @default 100 */
  readonly maxPresencesPerConnection: number;
  /** Groups whose presence one actor may watch. `watch` throws `LimitError` for one more. @default 1_000 */
  readonly maxWatchesPerConnection: number;
  /** Tags of one actor. `tag` throws `LimitError` for one more. @default 100 */
  readonly maxTagsPerConnection: number;
  /**
   * Jobs that one actor has submitted and that have not ended. `submit` rejects with `LimitError` for one more.
   * @default 100
   */
  readonly maxJobsPerConnection: number;
  /** Unanswered asks of one actor. `ask` and `askGroup` reject with `LimitError` for one more. @default 100 */
  readonly maxAsksPerConnection: number;
  /**
   * Distinct groups of all actors of the node. `groupAdd` rejects with `LimitError` for one more.
   * @default 100_000
   */
  readonly maxGroups: number;
  /**
   * Maximum estimated bytes of memory that the presences of all actors of the node take. `track` throws `LimitError`
   * beyond it. Other nodes believe no more of a node. @default 134_217_728
   */
  readonly maxPresenceBytes: number;
  /**
   * Maximum number of bytes that may wait for a slow client. If more bytes wait at the next write, the
   * connection closes with 3008. The frames of one turn of the event loop are written even if they exceed
   * this limit. If your application sends more frames soon after such a turn, set a larger limit.
   * @default 1_048_576
   */
  readonly maxLagBytes: number;
  /**
   * Maximum bytes that may wait for all slow clients together. Beyond it, the connections with the most waiting bytes
   * close with 3008. @default 134_217_728
   */
  readonly maxWaitingBytes: number;
  /**
   * If bytes wait for a client, and the client makes no progress for this many milliseconds, the connection
   * closes with 3008, up to one second earlier or later. A client that reads 128 KiB in this time makes
   * progress, even if a proxy or the operating system holds more bytes for it.
   * @default 10_000
   */
  readonly maxLagMs: number;
  /** Limit of waiting layer messages. A further message closes the connection with 1013. @default 1_000 */
  readonly mailboxCapacity: number;
  /** Limit of waiting frames. If more, or more than 131,072 bytes, wait, the client's socket is paused. @default 100 */
  readonly frameHighWaterMark: number;
  /**
   * Length of the waiting frames of all actors, in characters or bytes. While they are longer, each client with a waiting
   * frame is paused. No frame is lost. @default 67_108_864
   */
  readonly maxWaitingFrameBytes: number;
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
   * its last heartbeat, unless they are cut off themselves. At most 60,000, because nodes believe no longer interval.
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
  maxConnections: 20_000,
  maxConnectionsPerAddress: 2_000,
  maxUpgradesPerSecond: 200,
  maxUpgradeBurst: 2_000,
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
  maxUnfinishedBytes: 67_108_864,
  maxFramesPerSecond: 2_000,
  maxFrameBurst: 20_000,
  maxBytesPerSecond: 4_194_304,
  maxByteBurst: 33_554_432,
  maxGroupsPerConnection: 1_000,
  maxPresencesPerConnection: 100,
  maxWatchesPerConnection: 1_000,
  maxTagsPerConnection: 100,
  maxJobsPerConnection: 100,
  maxAsksPerConnection: 100,
  maxGroups: 100_000,
  maxPresenceBytes: 134_217_728,
  maxLagBytes: 1_048_576,
  maxWaitingBytes: 134_217_728,
  maxLagMs: 10_000,
  mailboxCapacity: 1_000,
  frameHighWaterMark: 100,
  maxWaitingFrameBytes: 67_108_864,
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
    if (value === undefined) continue;
    const max = name === "nodeHeartbeatMs" ? otherNodes.maxHeartbeatMs : maxDelayMs;
    limits[name] = checkInteger(name, value, { max });
  }
  const { maxPayload, maxFragments, maxByteBurst } = limits as unknown as Limits;
  if (given.maxByteBurst === undefined) limits.maxByteBurst = Math.max(maxByteBurst, 2 * maxPayload);
  if (given.maxFragments === undefined)
    limits.maxFragments = Math.max(maxFragments, Math.ceil(maxPayload / 1_024));
  return limits as unknown as Limits;
}

/** The limits that have a counter of their own: how often each was hit. */
export const countedLimits = [
  "maxConnections",
  "maxConnectionsPerAddress",
  "maxUpgradesPerSecond",
  "maxUnfinishedBytes",
  "maxFramesPerSecond",
  "maxBytesPerSecond",
  "maxGroupsPerConnection",
  "maxPresencesPerConnection",
  "maxWatchesPerConnection",
  "maxTagsPerConnection",
  "maxJobsPerConnection",
  "maxAsksPerConnection",
  "maxGroups",
  "maxPresenceBytes",
  "maxWaitingBytes",
] as const satisfies readonly (keyof Limits)[];

/** The name of a limit that has a counter of its own. */
export type CountedLimit = (typeof countedLimits)[number];
