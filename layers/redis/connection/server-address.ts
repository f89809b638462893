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

/** One server, or a master with replicas that stand in for it. */
export type RedisServerTarget = ByUrl | BySentinels | ByClient;

/** The options that name one server. */
export const serverTargetKinds = ["url", "sentinels", "client"] as const;

/** @throws {TypeError} unless exactly one option of `kinds` is given. */
export function checkTarget(options: object, kinds: readonly string[]): void {
  const given = kinds.filter((kind) => kind in options);
  if (given.length === 1) return;
  throw new TypeError(
    `Say where Redis is with one of ${kinds.join(", ")}; given: ${given.join(", ") || "none"}.`,
  );
}

/** Whether `values` is an array of at least one address. */
export function areAddresses(values: unknown): values is readonly RedisAddress[] {
  return Array.isArray(values) && values.length > 0 && values.every(isAddress);
}

/**
 * The server that a target means.
 *
 * @throws {TypeError} unless exactly one target is given, and it is well-formed. No password is shown.
 * @throws {InvalidOptionError} for a timeout out of range.
 */
export function resolveServer(target: RedisServerTarget & RedisConnectionOptions): RedisServer {
  checkTarget(target, serverTargetKinds);
  if ("sentinels" in target) return bySentinels(target);
  if ("client" in target) return byClient(target);
  return redisServer(target);
}

function isAddress(value: Partial<RedisAddress> | null | undefined): boolean {
  const { host, port = 0 } = value ?? {};
  return typeof host === "string" && host !== "" && Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function bySentinels(target: BySentinels & RedisConnectionOptions): RedisServer {
  const { sentinels, name } = target;
  if (!areAddresses(sentinels) || typeof name !== "string" || name === "") {
    throw new TypeError(
      'Sentinels look like { sentinels: [{ host: "one", port: 26379 }], name: "mymaster" }.',
    );
  }
  const { connectTimeoutMs, options } = connectionOf(target);
  return {
    address: addressOf({ sentinels: [...sentinels], name }),
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

function byClient(target: ByClient & RedisConnectionOptions): RedisServer {
  const { client } = target;
  const isFactory = typeof client === "function";
  if (!isFactory && isCluster(client)) {
    throw new TypeError(
      'client is one connection. For a Redis Cluster, name some nodes: { cluster: [{ host: "one", port: 6379 }] }.',
    );
  }
  if (!isFactory && !isRedis(client)) {
    throw new TypeError("client is an instance of ioredis' Redis, or a function that makes one.");
  }
  const { connectTimeoutMs, options } = connectionOf(target);
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
