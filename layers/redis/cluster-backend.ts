import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import type { Backend, BackendListener, Capabilities, Health } from "../contract.ts";
import { LayerClosedError, LayerUnavailableError } from "../errors.ts";
import { ClusterTopology, type Shard } from "./cluster-topology.ts";
import { keySlot, slotCount } from "./key-slot.ts";
import { shardedPubSub } from "./pubsub-commands.ts";
import type { PubSubOptions } from "./pubsub-settings.ts";
import { RedisPubSubBackend } from "./redis-pubsub-backend.ts";
import { type AnyConnectionOptions, fixed } from "./redis-server.ts";
import type { RedisAddress } from "./servers.ts";

/** A Redis Cluster, of Redis 7 or later: groups are spread over its masters by sharded pub/sub. */
export interface ByCluster {
  /** Some of its nodes; they tell of the others. */
  readonly cluster: readonly RedisAddress[];
}

/**
 * Moves payloads by `SPUBLISH` and `SSUBSCRIBE`: each topic lives on the shard of its slot, and on no other.
 *
 * Each shard has connections of its own, to whoever is its master when they are made: after a failover that is the
 * replica that took over, and the shard's topics get a gap. Which slots belong together is found out when the backend is
 * opened.
 */
export class ClusterBackend implements Backend {
  readonly capabilities: Capabilities = {
    delivery: "at-most-once",
    crossProcess: true,
    history: false,
    workers: false,
  };
  readonly #options: PubSubOptions;
  readonly #seeds: readonly RedisAddress[];
  readonly #connection: AnyConnectionOptions;
  #shards: readonly RedisPubSubBackend[] = [];
  #bySlot: (RedisPubSubBackend | undefined)[] = [];
  #topology: ClusterTopology | undefined;

  /** @throws {TypeError} if there is no address. */
  constructor({ cluster, ...options }: ByCluster & PubSubOptions) {
    if (!Array.isArray(cluster) || cluster.length === 0) {
      throw new TypeError('A cluster looks like { cluster: [{ host: "one", port: 6379 }] }.');
    }
    const { connectTimeoutMs = 5_000, redis = {} } = options;
    this.#seeds = cluster;
    this.#options = options;
    this.#connection = {
      ...redis,
      ...fixed,
      connectTimeout: connectTimeoutMs,
      socketTimeout: connectTimeoutMs,
    };
  }

  /** Well if all shards are: a part of the topics is a part too many. */
  get health(): Health {
    if (this.#shards.length === 0) return { ok: false, reason: "The backend has not been opened." };
    return this.#shards.map(({ health }) => health).find(({ ok }) => !ok) ?? { ok: true };
  }

  async open(listener: BackendListener): Promise<void> {
    const topology = new ClusterTopology(this.#seeds, this.#connection);
    this.#topology = topology;
    const shards = await topology.shards();
    if (topology.isClosed) throw new LayerClosedError();
    this.#bySlot = new Array<RedisPubSubBackend | undefined>(slotCount).fill(undefined);
    this.#shards = shards.map((shard) => this.#shard(shard, topology));
    const outcomes = await Promise.allSettled(this.#shards.map((shard) => shard.open(listener)));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed === undefined) return;
    await Promise.all(this.#shards.map((shard) => shard.close()));
    throw failed.reason;
  }

  async publish(topic: string, payload: Uint8Array): Promise<void> {
    return this.#backendOf(topic).publish(topic, payload);
  }

  async subscribe(topic: string): Promise<void> {
    return this.#backendOf(topic).subscribe(topic);
  }

  async unsubscribe(topic: string): Promise<void> {
    return this.#backendOf(topic).unsubscribe(topic);
  }

  async close(): Promise<void> {
    this.#topology?.close();
    await Promise.all(this.#shards.map((shard) => shard.close()));
  }

  #shard({ master, slots }: Shard, topology: ClusterTopology): RedisPubSubBackend {
    const [[first] = [0]] = slots;
    const inShard = (slot: number) => slots.some(([from, to]) => from <= slot && slot <= to);
    const { connectTimeoutMs = 5_000, probePrefix = "greenroom" } = this.#options;
    // A prefix with braces ties all that begins with it to one slot.
    const begin = probePrefix.includes("{") ? "greenroom" : probePrefix;
    let probeTopic: string;
    do probeTopic = `${begin}__probe__${randomBytes(10).toString("hex")}`;
    while (!inShard(keySlot(probeTopic)));
    const Connector = topology.connectorFor(first);
    const server = {
      address: `the cluster's shard of slot ${first}, first at ${master.host}:${master.port},`,
      connectTimeoutMs,
      options: this.#connection,
      create: (options: AnyConnectionOptions) => new Redis({ ...options, Connector }),
    };
    const shard = { server, commands: shardedPubSub, probeTopic };
    const backend = new RedisPubSubBackend({ ...this.#options, shard });
    for (const [from, to] of slots) this.#bySlot.fill(backend, from, to + 1);
    return backend;
  }

  #backendOf(topic: string): RedisPubSubBackend {
    const slot = keySlot(topic);
    const backend = this.#bySlot[slot];
    if (backend === undefined) throw new LayerUnavailableError(`Nobody in the cluster serves slot ${slot}.`);
    return backend;
  }
}
