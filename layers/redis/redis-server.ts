import type { Redis, RedisOptions } from "ioredis";

/** What this package decides itself, since delivery depends on it. */
export const fixed = {
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
  // A closed link has said goodbye before: a server that does not hang up is not waited for.
  disconnectTimeout: 1,
} as const satisfies RedisOptions;

/** ioredis' options, with replies in the form that its types take for granted. */
export type AnyConnectionOptions = Omit<RedisOptions, "replyMapping">;

type Decided =
  | keyof typeof fixed
  | ("connectTimeout" | "socketTimeout" | "retryStrategy" | "sentinelRetryStrategy")
  | ("host" | "port" | "path" | "keyPrefix" | "sentinels" | "name" | "role");

/** What may be said about a connection besides where it goes. */
export type ConnectionOptions = Omit<AnyConnectionOptions, Decided>;

/** Which Redis server a layer uses, and how. */
export interface RedisServerOptions {
  /** `redis://[user:password@]host[:port]`, or `rediss://…` for TLS. Pub/sub knows no databases. */
  readonly url: string;
  /**
   * How long the server may take to answer: when a connection is made, and later to any command. A server that accepts
   * connections but says nothing counts as not there.
   * @default 5000
   */
  readonly connectTimeoutMs?: number;
  /** More of ioredis' options, such as `tls` or `family`; but none that decide on delivery. */
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

/** @throws {TypeError} if the URL is not that of a Redis server. The URL is not shown: it may hold a password. */
export function redisServer({ url, connectTimeoutMs = 5_000, redis = {} }: RedisServerOptions): RedisServer {
  const { protocol, hostname, port, username, password } = parse(url);
  const options: AnyConnectionOptions = {
    ...(protocol === "rediss:" && { tls: {} }),
    ...(username !== "" && { username: unescaped(username) }),
    ...(password !== "" && { password: unescaped(password) }),
    ...redis,
    ...fixed,
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || 6379),
    connectTimeout: connectTimeoutMs,
    socketTimeout: connectTimeoutMs,
  };
  return { address: `${hostname}:${port || 6379}`, connectTimeoutMs, options };
}

function parse(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === "") {
    throw new TypeError("The url of a Redis server looks like redis://host:6379, or rediss://… for TLS.");
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
