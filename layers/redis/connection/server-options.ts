import type { Redis, RedisOptions } from "ioredis";
import { checkInteger, maxJitteredDelayMs } from "../../check-integer.ts";

/** Options of ioredis that this package sets itself, because delivery depends on them. */
export const fixedOptions = {
  lazyConnect: true,
  // A publish in an outage fails at once, and nothing stale is sent when the outage is over.
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  // Without this, ioredis never settles the commands that were under way when a connection broke.
  maxRetriesPerRequest: 0,
  // Nothing cancels the pause before a server that still loads its data is asked again.
  maxLoadingRetryTime: 500,
  // What was subscribed is not what is wanted now.
  autoResubscribe: false,
  // QUIT was sent before: do not wait for a server that does not hang up.
  disconnectTimeout: 1,
  // Names of keys are prefixed by ioredis, names of what is subscribed are not: they have to agree.
  keyPrefix: "",
  // Scripts and counts are answered with numbers, and with flat lists.
  stringNumbers: false,
  replyMapping: "legacy",
  // What is sent together is written together, but never in one pipeline with what blocks.
  enableAutoPipelining: false,
  // A read that waits for jobs takes as long as it was told to; silence is the socket's to notice.
  commandTimeout: undefined,
  blockingTimeout: undefined,
} as const satisfies RedisOptions;

/** ioredis' options, with replies in the form that its types take for granted. */
export type AnyConnectionOptions = Omit<RedisOptions, "replyMapping">;

type ReservedOption =
  | keyof typeof fixedOptions
  | ("connectTimeout" | "socketTimeout" | "retryStrategy" | "sentinelRetryStrategy")
  | ("host" | "port" | "path" | "sentinels" | "name" | "role");

/** Options of ioredis that users may set. */
export type ConnectionOptions = Omit<AnyConnectionOptions, ReservedOption>;

/** A server by its URL. */
export interface ByUrl {
  /**
   * `redis://[user:password@]host[:port]`, or `rediss://…` for TLS. All else is said under `redis`: also `db`, in which
   * streams and queues live then. What is published reaches all databases, so let the prefix keep applications apart.
   */
  readonly url: string;
}

/** Options of a connection, whatever its target. */
export interface RedisConnectionOptions {
  /**
   * How long the server may take to answer, in milliseconds: when a connection is made, and later to any command. A
   * server that accepts connections but says nothing counts as not there.
   * @default 5000
   */
  readonly connectTimeoutMs?: number;
  /** More of ioredis' options, such as `tls`, `family` or `db`; but none that decide on delivery. */
  readonly redis?: ConnectionOptions;
}

/** A server as ioredis wants it described, and as errors name it. */
export interface RedisServer {
  /** Host and port, never a password. */
  readonly address: string;
  readonly connectTimeoutMs: number;
  readonly options: AnyConnectionOptions;
  /** Makes a connection. @default that of ioredis */
  readonly create?: (options: AnyConnectionOptions) => Redis;
}

/**
 * Checks the options that every target shares.
 *
 * @throws {InvalidOptionError} for a timeout out of range.
 */
export function connectionOf({
  connectTimeoutMs = 5_000,
  redis = {},
}: RedisConnectionOptions): Pick<RedisServer, "connectTimeoutMs" | "options"> {
  checkInteger("connectTimeoutMs", connectTimeoutMs, { max: maxJitteredDelayMs });
  const times = { connectTimeout: connectTimeoutMs, socketTimeout: connectTimeoutMs };
  return { connectTimeoutMs, options: { ...redis, ...fixedOptions, ...times } };
}

/**
 * @throws {TypeError} if the URL is not that of a Redis server, or says more than that. The URL is not shown: it may
 *   hold a password.
 * @throws {InvalidOptionError} for a timeout out of range.
 */
export function redisServer({ url, ...rest }: ByUrl & RedisConnectionOptions): RedisServer {
  const { protocol, hostname, port, username, password } = parse(url);
  const { connectTimeoutMs, options } = connectionOf(rest);
  return {
    address: `${hostname}:${port || 6379}`,
    connectTimeoutMs,
    options: {
      ...(protocol === "rediss:" && { tls: {} }),
      ...(username !== "" && { username: unescaped(username) }),
      ...(password !== "" && { password: unescaped(password) }),
      ...options,
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || 6379),
    },
  };
}

function parse(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === "") {
    throw new TypeError("The url of a Redis server looks like redis://host:6379, or rediss://… for TLS.");
  }
  if (!/^\/?0?$/.test(parsed.pathname) || parsed.search !== "" || parsed.hash !== "") {
    throw new TypeError(
      "The url of a Redis server says host, port, user and password. Say all else under redis, such as { redis: { db: 3 } }.",
    );
  }
  return parsed;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError(
      "User and password in the url of a Redis server are percent-encoded: % itself is %25.",
    );
  }
}
