import { Redis, type RedisOptions } from "ioredis";
import {
  type AnyConnectionOptions,
  type ConnectionOptions,
  fixed,
  type RedisServer,
  redisServer,
} from "./redis-server.ts";

/** Where a Sentinel, or another server, listens. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Makes one connection with the options given, which are merged over the maker's own: it must connect to nothing yet,
 * and be a new one each time. Whoever asked for it closes it.
 */
export type RedisFactory = (options: AnyConnectionOptions) => Redis;

/** A server by its URL: `redis://[user:password@]host[:port]`, or `rediss://…` for TLS. Pub/sub knows no databases. */
export interface ByUrl {
  readonly url: string;
}

/**
 * The master that Sentinels agree on, found anew after each failover. Passwords and TLS are ioredis' options, under
 * `redis`: `password`, `sentinelPassword`, `tls` with `enableTLSForSentinelMode`, `sentinelTLS`, `natMap`…
 */
export interface BySentinels {
  /** Some of the Sentinels; they tell of the others. */
  readonly sentinels: readonly RedisAddress[];
  /** What the Sentinels call the master. */
  readonly name: string;
}

/**
 * The server that an ioredis instance of the user's own is configured for, or one that connections made by the user's
 * own function go to.
 *
 * An instance is a pattern only: the layer makes connections of its own with `duplicate()`, of which one subscribes and
 * one publishes (work queues have more), and closes those. It sends no command on the instance, waits for nothing there, and never closes it.
 */
export interface ByClient {
  readonly client: Redis | RedisFactory;
}

/** Which server, or which group of servers that stand in for each other. */
export type RedisPlace = ByUrl | BySentinels | ByClient;

/** What else there is to say about a server, wherever it is. */
export interface RedisConnectionOptions {
  /**
   * How long the server may take to answer: when a connection is made, and later to any command. A server that accepts
   * connections but says nothing counts as not there.
   * @default 5000
   */
  readonly connectTimeoutMs?: number;
  /** More of ioredis' options, such as `tls` or `family`; but none that decide on delivery. */
  readonly redis?: ConnectionOptions;
}

/** How a server can be named. */
export const ways = ["url", "sentinels", "client"] as const;

/**
 * Finds out which server is meant.
 *
 * @throws {TypeError} unless there is exactly one way to it, and it is well-formed. No password is shown.
 */
export function redisPlace(place: RedisPlace & RedisConnectionOptions): RedisServer {
  const given = ways.filter((way) => way in place);
  if (given.length !== 1) {
    throw new TypeError(
      `Say where Redis is with one of ${ways.join(", ")}; given: ${given.join(", ") || "none"}.`,
    );
  }
  if ("sentinels" in place) return bySentinels(place);
  if ("client" in place) return byClient(place);
  return redisServer(place);
}

function bySentinels(place: BySentinels & RedisConnectionOptions): RedisServer {
  const { sentinels, name, connectTimeoutMs = 5_000, redis = {} } = place;
  if (!Array.isArray(sentinels) || sentinels.length === 0 || typeof name !== "string" || name === "") {
    throw new TypeError('Sentinels look like { sentinels: [{ host, port }], name: "mymaster" }.');
  }
  const addresses = sentinels.map(({ host, port }) => `${host}:${port}`).join(", ");
  return {
    address: `${name} (by Sentinels ${addresses})`,
    connectTimeoutMs,
    options: {
      sentinelCommandTimeout: connectTimeoutMs,
      ...redis,
      ...fixed,
      sentinels: sentinels.map(({ host, port }) => ({ host, port })),
      name,
      role: "master",
      connectTimeout: connectTimeoutMs,
      socketTimeout: connectTimeoutMs,
    },
  };
}

function byClient(place: ByClient & RedisConnectionOptions): RedisServer {
  const { client, connectTimeoutMs = 5_000, redis = {} } = place;
  const isFactory = typeof client === "function";
  if (!isFactory && !(client instanceof Redis) && typeof (client as Redis | null)?.duplicate !== "function") {
    throw new TypeError("client is an instance of ioredis' Redis, or a function that makes one.");
  }
  return {
    address: isFactory ? "the server of client()" : addressOf(client.options),
    connectTimeoutMs,
    options: {
      ...redis,
      ...fixed,
      role: "master",
      connectTimeout: connectTimeoutMs,
      socketTimeout: connectTimeoutMs,
    },
    create: isFactory ? client : (options) => client.duplicate(options),
  };
}

function addressOf({ sentinels, name, path, host, port }: RedisOptions): string {
  if (!sentinels) return path || `${host}:${port}`;
  return `${name} (by Sentinels ${sentinels.map((sentinel) => `${sentinel.host}:${sentinel.port}`).join(", ")})`;
}
