import type { Redis, RedisOptions } from "ioredis";
import { checkedFactory, isCluster, isRedis, type RedisFactory } from "./client-factory.ts";
import {
  type ByUrl,
  connectionOf,
  type RedisConnectionOptions,
  type RedisServer,
  redisServer,
} from "./server-options.ts";

/** Where a Sentinel, or another server, listens. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
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
 *
 * Login, TLS, `db` and the like are as the instance has them. What decides on delivery is not: a `keyPrefix` is not used,
 * choose a `prefix` for the layer instead; nor are `stringNumbers`, `enableAutoPipelining` and `commandTimeout`.
 */
export interface ByClient {
  readonly client: Redis | RedisFactory;
}

/** Which server, or which group of servers that stand in for each other. */
export type RedisTarget = ByUrl | BySentinels | ByClient;

/** How a server can be named. */
export const targetKinds = ["url", "sentinels", "client"] as const;

/** @throws {TypeError} unless exactly one of `ways` is there. */
export function checkTarget(place: object, targetKinds: readonly string[]): void {
  const given = targetKinds.filter((way) => way in place);
  if (given.length === 1) return;
  throw new TypeError(
    `Say where Redis is with one of ${targetKinds.join(", ")}; given: ${given.join(", ") || "none"}.`,
  );
}

/** Whether `values` are addresses, one at least. */
export function areAddresses(values: unknown): values is readonly RedisAddress[] {
  return Array.isArray(values) && values.length > 0 && values.every(isAddress);
}

/**
 * Finds out which server is meant.
 *
 * @throws {TypeError} unless there is exactly one way to it, and it is well-formed. No password is shown.
 * @throws {InvalidOptionError} for a timeout that makes no sense.
 */
export function redisPlace(place: RedisTarget & RedisConnectionOptions): RedisServer {
  checkTarget(place, targetKinds);
  if ("sentinels" in place) return bySentinels(place);
  if ("client" in place) return byClient(place);
  return redisServer(place);
}

function isAddress(value: Partial<RedisAddress> | null | undefined): boolean {
  const { host, port = 0 } = value ?? {};
  return typeof host === "string" && host !== "" && Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function bySentinels(place: BySentinels & RedisConnectionOptions): RedisServer {
  const { sentinels, name } = place;
  if (!areAddresses(sentinels) || typeof name !== "string" || name === "") {
    throw new TypeError(
      'Sentinels look like { sentinels: [{ host: "one", port: 26379 }], name: "mymaster" }.',
    );
  }
  const addresses = sentinels.map(({ host, port }) => `${host}:${port}`).join(", ");
  const { connectTimeoutMs, options } = connectionOf(place);
  return {
    address: `${name} (by Sentinels ${addresses})`,
    connectTimeoutMs,
    options: {
      sentinelCommandTimeout: connectTimeoutMs,
      ...options,
      sentinels: sentinels.map(({ host, port }) => ({ host, port })),
      name,
      role: "master",
    },
  };
}

function byClient(place: ByClient & RedisConnectionOptions): RedisServer {
  const { client } = place;
  const isFactory = typeof client === "function";
  if (!isFactory && isCluster(client)) {
    throw new TypeError(
      'client is one connection. For a Redis Cluster, name some nodes: { cluster: [{ host: "one", port: 6379 }] }.',
    );
  }
  if (!isFactory && !isRedis(client)) {
    throw new TypeError("client is an instance of ioredis' Redis, or a function that makes one.");
  }
  const { connectTimeoutMs, options } = connectionOf(place);
  return {
    address: isFactory ? "the server of client()" : addressOf(client.options),
    connectTimeoutMs,
    options: { ...options, role: "master" },
    create: isFactory ? checkedFactory(client) : (given) => client.duplicate(given),
  };
}

function addressOf({ sentinels, name, path, host, port }: RedisOptions): string {
  if (!sentinels) return path || `${host}:${port}`;
  return `${name} (by Sentinels ${sentinels.map((sentinel) => `${sentinel.host}:${sentinel.port}`).join(", ")})`;
}
