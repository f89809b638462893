import type { Redis, RedisOptions } from "ioredis";
import { checkInteger, maxJitteredDelayMs } from "../../check-integer.ts";
import { parseUrl } from "../../parse-url.ts";
import type { CredentialsFunction } from "./credentials.ts";

/** Options of ioredis that this package sets itself, because they affect delivery. */
export const fixedOptions = {
  lazyConnect: true,
  // Commands fail immediately in an outage, and no outdated command is sent after the outage.
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  // With any other value, a command might never settle if the connection breaks before its reply.
  maxRetriesPerRequest: 0,
  // RedisConnection creates a new client for each attempt to connect, because the login may have changed.
  retryStrategy: null,
  sentinelRetryStrategy: () => null,
  // The layer checks the server itself. The check of ioredis needs INFO, and writes a warning to the console.
  enableReadyCheck: false,
  // The layer itself subscribes again, because the wanted topics may have changed during an outage.
  autoResubscribe: false,
  // The layer disconnects after QUIT, and does not wait for a server that keeps the socket open.
  disconnectTimeout: 1,
  // Names would not agree: ioredis adds a prefix to keys, but not to all subscribed channels.
  keyPrefix: "",
  // The code that runs Lua scripts expects numbers and flat lists in the replies.
  stringNumbers: false,
  replyMapping: "legacy",
  // RedisConnection batches writes itself, and a blocking command must not share a pipeline.
  enableAutoPipelining: false,
  // A timeout would end reads that wait for jobs. `socketTimeout` detects a server that does not reply.
  commandTimeout: undefined,
  blockingTimeout: undefined,
} as const satisfies RedisOptions;

/** ioredis' options, except `replyMapping`: it would change ioredis' types of the replies. */
export type AnyConnectionOptions = Omit<RedisOptions, "replyMapping">;

type ReservedOption =
  | keyof typeof fixedOptions
  | ("connectTimeout" | "socketTimeout")
  | ("host" | "port" | "path" | "sentinels" | "name" | "role");

/** Options of ioredis that users may set. */
export type ConnectionOptions = Omit<AnyConnectionOptions, ReservedOption>;

/** A server by its URL. */
export interface ByUrl {
  /**
   * `redis://[user:password@]host[:port]`, or `rediss://…` for TLS, or `unix:///path` for a Unix socket. All
   * other settings belong under `redis`, including `db`. `db` selects the database for streams and queues,
   * but publications reach all databases. Therefore give each application its own prefix.
   */
  readonly url: string;
}

/** Connection options of every target. */
export interface RedisConnectionOptions {
  /**
   * How long the server may take to accept a connection or to reply to a command, in milliseconds. A server
   * that accepts connections but never replies counts as unreachable.
   * @default 5000
   */
  readonly connectTimeoutMs?: number;
  /**
   * Returns the current login of the Redis server. Called at each attempt to connect, so the login may
   * expire. Takes precedence over the login in a URL or under `redis`. Does not apply to Sentinels, whose
   * login is `redis: { sentinelUsername, sentinelPassword }`. Cannot be combined with `client`.
   *
   * @example
   * new RedisPubSubLayer({
   *   url: "rediss://redis.example.com",
   *   prefix: "chat",
   *   credentials: async () => ({ username: "app", password: await tokens.current() }),
   * });
   */
  readonly credentials?: CredentialsFunction;
  /** Further options of ioredis, such as `tls`, `family` or `db`, except those that affect delivery. */
  readonly redis?: ConnectionOptions;
}

export interface RedisServer {
  /** Host and port, or the path of a Unix socket. Never a password. */
  readonly address: string;
  readonly connectTimeoutMs: number;
  /** The mean pause between two checks whether the server still is a master, in milliseconds. @default 5000 */
  readonly checkMs?: number;
  readonly options: AnyConnectionOptions;
  readonly credentials?: CredentialsFunction;
  /** Creates a client for one attempt to connect. @default `new Redis(options)` */
  readonly create?: (options: AnyConnectionOptions) => Redis;
}

/**
 * @throws {InvalidOptionError} for a timeout out of range.
 * @throws {TypeError} if `credentials` is not a function.
 */
export function connectionOf({
  connectTimeoutMs = 5_000,
  credentials,
  redis = {},
}: RedisConnectionOptions): Omit<RedisServer, "address" | "create"> {
  checkInteger("connectTimeoutMs", connectTimeoutMs, { max: maxJitteredDelayMs });
  if (credentials !== undefined && typeof credentials !== "function") {
    throw new TypeError("`credentials` must be a function that returns { username?, password }.");
  }
  const times = { connectTimeout: connectTimeoutMs, socketTimeout: connectTimeoutMs };
  const options = { ...redis, ...fixedOptions, ...times };
  return { connectTimeoutMs, options, ...(credentials && { credentials }) };
}

/**
 * @throws {TypeError} if `url` is not the URL of a Redis server, or contains more than the server and the
 *   login. The message does not contain the URL, because the URL may contain a password.
 * @throws {InvalidOptionError} for a timeout out of range.
 */
export function redisServer({ url, ...rest }: ByUrl & RedisConnectionOptions): RedisServer {
  const { protocol, hostname, port, username, password, pathname } = parse(url);
  const { options, ...connection } = connectionOf(rest);
  if (isUnix(protocol)) {
    const path = unescaped(pathname);
    return { address: path, ...connection, options: { ...options, path } };
  }
  return {
    address: `${hostname}:${port || 6379}`,
    ...connection,
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

const isUnix = (protocol: string) => protocol === "unix:" || protocol === "redis+unix:";

function parse(url: string): URL {
  const parsed = parseUrl(url);
  const { protocol = "", hostname = "", pathname = "", search, hash } = parsed ?? {};
  const isSocket = isUnix(protocol) && hostname === "" && pathname.length > 1;
  if (parsed === undefined || !(isSocket || (/^rediss?:$/.test(protocol) && hostname !== ""))) {
    throw new TypeError(
      "`url` must look like redis://host:6379, rediss://host:6379 for TLS, or unix:///path for a Unix socket. " +
        "The login for a Unix socket belongs under `redis`.",
    );
  }
  if (!(isSocket || /^\/?0?$/.test(pathname)) || search !== "" || hash !== "") {
    throw new TypeError(
      "`url` may contain host, port, user and password only. Set the rest under `redis`: { redis: { db: 3 } }.",
    );
  }
  return parsed;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError("User, password and path in `url` must be percent-encoded: % itself is %25.");
  }
}
