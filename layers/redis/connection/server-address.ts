import type { Redis, RedisOptions } from "ioredis";
import { checkedFactory, isCluster, isRedis, type RedisFactory } from "./client-factory.ts";
import {
  type ByUrl,
  connectionOf,
  type RedisConnectionOptions,
  type RedisServer,
  redisServer,
} from "./server-options.ts";

/** The address of a Sentinel, or of a node of a Redis Cluster. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * The master that Sentinels agree on. The layer looks it up again after each failover. Passwords, TLS and
 * other options of ioredis belong under `redis`. Examples are `password`, `sentinelPassword`, `sentinelTLS`,
 * `natMap`, and `tls`, which also needs `enableTLSForSentinelMode`.
 */
export interface BySentinels {
  /** The addresses of some of the Sentinels. The other Sentinels are discovered. */
  readonly sentinels: readonly RedisAddress[];
  /** The name under which the Sentinels monitor the master. */
  readonly name: string;
}

/**
 * The server of an ioredis instance, or of the clients that a function creates.
 *
 * An instance is only a template: the layer never sends a command on the instance, and never closes it. The
 * layer creates its own clients with `duplicate()`, and closes them. One connection subscribes, another one
 * publishes, and work queues use further connections. Each attempt to connect uses a new duplicate, or calls
 * the function again.
 *
 * Login, TLS, `db` and similar options are copied from the instance. Options that affect delivery are
 * ignored: `keyPrefix` (set the layer's `prefix` instead), `stringNumbers`, `enableAutoPipelining` and
 * `commandTimeout`.
 */
export interface ByClient {
  readonly client: Redis | RedisFactory;
}

/** One server, or a master with replicas that can replace the master. */
export type RedisServerTarget = ByUrl | BySentinels | ByClient;

export const serverTargetKinds = ["url", "sentinels", "client"] as const;

/** @throws {TypeError} unless exactly one option of `kinds` is given. */
export function checkTarget(options: object, kinds: readonly string[]): void {
  const given = kinds.filter((kind) => kind in options);
  if (given.length === 1) return;
  throw new TypeError(
    `Set exactly one of ${kinds.join(", ")} to name the Redis server; given: ${given.join(", ") || "none"}.`,
  );
}

export function areAddresses(values: unknown): values is readonly RedisAddress[] {
  return Array.isArray(values) && values.length > 0 && values.every(isAddress);
}

/**
 * @throws {TypeError} unless exactly one well-formed target is given. The message contains no password.
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
      '`sentinels` and `name` must look like { sentinels: [{ host: "one", port: 26379 }], name: "mymaster" }.',
    );
  }
  const { options, ...connection } = connectionOf(target);
  return {
    address: addressOf({ sentinels: [...sentinels], name }),
    ...connection,
    options: {
      sentinelCommandTimeout: connection.connectTimeoutMs,
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
      '`client` must not be a Cluster: name some of its nodes instead, { cluster: [{ host: "one", port: 6379 }] }.',
    );
  }
  if (!isFactory && !isRedis(client)) {
    throw new TypeError("`client` must be an instance of ioredis' Redis, or a function that returns one.");
  }
  if (target.credentials !== undefined) {
    throw new TypeError(
      "`credentials` cannot be combined with `client`: let a function `client` set the login.",
    );
  }
  const { connectTimeoutMs, options } = connectionOf(target);
  const shared = { ...options, role: "master" as const };
  if (isFactory) {
    return {
      address: "the server of client()",
      connectTimeoutMs,
      options: shared,
      create: checkedFactory(client),
    };
  }
  const { sentinels } = client.options;
  return {
    address: addressOf(client.options),
    connectTimeoutMs,
    options: { ...shared, ...(sentinels && { sentinels }) },
    create: (given) => client.duplicate(given),
  };
}

function addressOf({ sentinels, name, path, host, port }: RedisOptions): string {
  if (!sentinels) return path || `${host}:${port}`;
  return `${name} (by Sentinels ${sentinels.map((sentinel) => `${sentinel.host}:${sentinel.port}`).join(", ")})`;
}
