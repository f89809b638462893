import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import type { Backend } from "../../backend.ts";
import { LayerUnavailableError } from "../../errors.ts";
import type { BackendFactory } from "../connection/backend-factory.ts";
import { shardedPubSub } from "../connection/pubsub-commands.ts";
import type { PubSubOptions } from "../connection/pubsub-settings.ts";
import { areAddresses, type RedisAddress } from "../connection/server-address.ts";
import { type AnyConnectionOptions, connectionOf } from "../connection/server-options.ts";
import { keySlot, slotCount } from "./key-slot.ts";
import { partition, RedisClusterTopology, type Shard, servedSlots } from "./redis-cluster-topology.ts";
import { ShardedBackend } from "./sharded-backend.ts";
import { SwappableBackend } from "./swappable-backend.ts";

/** A Redis Cluster, of Redis 7 or later: groups and queues are spread over its masters by their slots. */
export interface ByCluster {
  /** Some of its nodes; they tell of the others. */
  readonly cluster: readonly RedisAddress[];
}

/**
 * Runs on the shards of a Redis Cluster, and follows slots that move from one to another.
 *
 * Every new connection asks for the topology, and a connection is made anew when a server says that a slot is elsewhere.
 * When the same new topology is heard twice in a row, the backend is swapped for one of the shards that there are now.
 */
export class RedisClusterBackend extends SwappableBackend {
  readonly #seeds: readonly RedisAddress[];
  readonly #connection: ReturnType<typeof connectionOf>;
  readonly #probePrefix: string;
  readonly #factory: BackendFactory;
  #topology: RedisClusterTopology | undefined;
  /** The shards that the backend runs on. */
  #shards: readonly Shard[] = [];
  /** The partition that one node told, and no other yet. */
  #unconfirmed: string | undefined;

  /**
   * @throws {TypeError} unless `cluster` is an array of addresses.
   * @throws {InvalidOptionError} for a number out of range.
   */
  constructor({ cluster, ...options }: ByCluster & PubSubOptions, factory: BackendFactory) {
    super(factory.capabilities, options.clock ?? globalThis);
    if (!areAddresses(cluster)) {
      throw new TypeError('A cluster looks like { cluster: [{ host: "one", port: 6379 }] }.');
    }
    // Refuses options now, though the shards are found out later.
    factory.create({ url: "redis://localhost" });
    this.#seeds = cluster;
    this.#connection = connectionOf(options);
    // A prefix with braces would put every probe's topic into one slot.
    const { probePrefix = "greenroom" } = options;
    this.#probePrefix = probePrefix.includes("{") ? "greenroom" : probePrefix;
    this.#factory = factory;
  }

  override async close(): Promise<void> {
    this.#topology?.close();
    await super.close();
  }

  protected override async createFirst(): Promise<Backend> {
    const onShards = (shards: readonly Shard[]) => void this.#onTopology(shards, topology);
    const topology = new RedisClusterTopology(this.#seeds, this.#connection.options, onShards);
    this.#topology = topology;
    this.#shards = await topology.shards();
    return this.#createBackend(this.#shards, topology);
  }

  /** One node may be wrong, so two answers have to agree. A node that knows fewer slots than before has yet to learn. */
  async #onTopology(shards: readonly Shard[], topology: RedisClusterTopology): Promise<void> {
    const told = partition(shards);
    const isKnown = told === partition(this.#shards) || servedSlots(shards) < servedSlots(this.#shards);
    const isConfirmed = told === this.#unconfirmed;
    this.#unconfirmed = isKnown || isConfirmed ? undefined : told;
    if (isKnown || !isConfirmed) return;
    if (await this.swap(this.#createBackend(shards, topology))) this.#shards = shards;
  }

  /** A backend for as long as the same slots belong together: each topic and queue lives on the shard of its slot. */
  #createBackend(shards: readonly Shard[], topology: RedisClusterTopology): Backend {
    return new ShardedBackend(this.#factory, () => {
      const bySlot = new Array<Backend | undefined>(slotCount).fill(undefined);
      const backends = shards.map((shard) => {
        const backend = this.#createShard(shard, topology);
        for (const [from, to] of shard.slots) bySlot.fill(backend, from, to + 1);
        return backend;
      });
      const backendAt = (key: string) => {
        const backend = bySlot[keySlot(key)];
        if (backend !== undefined) return backend;
        throw new LayerUnavailableError(`Nobody in the cluster serves slot ${keySlot(key)}.`);
      };
      return { backends, backendAt };
    });
  }

  /**
   * A backend whose connections go to the shard's master of the time when they are made: after a failover, the replica
   * that took over.
   */
  #createShard({ master, slots }: Shard, topology: RedisClusterTopology): Backend {
    const [[first] = [0]] = slots;
    const isInShard = (slot: number) => slots.some(([from, to]) => from <= slot && slot <= to);
    let probeTopic: string;
    do probeTopic = `${this.#probePrefix}__probe__${randomBytes(10).toString("hex")}`;
    while (!isInShard(keySlot(probeTopic)));
    const Connector = topology.connectorFor(slots);
    const server = {
      address: `the cluster's shard of slot ${first}, first at ${master.host}:${master.port},`,
      ...this.#connection,
      create: (options: AnyConnectionOptions) => new Redis({ ...options, Connector }),
    };
    return this.#factory.create({ shard: { server, commands: shardedPubSub, probeTopic } });
  }
}
