import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import type { ErrorOwner } from "../../async-errors.ts";
import { type Clock, systemClock } from "../../clock.ts";
import { LayerUnavailableError } from "../../errors.ts";
import type { BackendFactory, RedisBackend } from "../connection/backend-factory.ts";
import { layerKinds, markerTopic } from "../connection/kind-marker.ts";
import { shardedPubSub } from "../connection/pubsub-commands.ts";
import type { PubSubOptions } from "../connection/pubsub-settings.ts";
import { areAddresses, type RedisAddress } from "../connection/server-address.ts";
import { type AnyConnectionOptions, connectionOf } from "../connection/server-options.ts";
import { keySlot, slotCount } from "./key-slot.ts";
import {
  type ClusterConnection,
  partition,
  RedisClusterTopology,
  type Shard,
  servedSlots,
} from "./redis-cluster-topology.ts";
import { ShardedBackend } from "./sharded-backend.ts";
import { type ReplaceableBackend, SwappableBackend } from "./swappable-backend.ts";

/** A Redis Cluster of Redis 7 or later. Groups and queues are distributed by their hash slots. */
export interface ByCluster {
  /** The addresses of some nodes of the cluster. The other nodes are discovered. */
  readonly cluster: readonly RedisAddress[];
}

/**
 * Runs on the shards of a Redis Cluster. Requests the topology before each connect to a shard. When two
 * consecutive replies contain the same new topology, a backend for the new shards replaces the current one.
 */
export class RedisClusterBackend extends SwappableBackend {
  readonly #seeds: readonly RedisAddress[];
  readonly #connection: ClusterConnection;
  readonly #context: { readonly owner: ErrorOwner; readonly clock: Clock };
  readonly #prefix: string;
  readonly #probePrefix: string;
  readonly #factory: BackendFactory;
  #topology: RedisClusterTopology | undefined;
  #shards: readonly Shard[] = [];
  /** A new partition of the slots that only one reply has contained so far. */
  #unconfirmed: string | undefined;

  /**
   * @throws {TypeError} unless `cluster` is an array of addresses.
   * @throws {InvalidOptionError} for a number out of range.
   */
  constructor({ cluster, ...options }: ByCluster & PubSubOptions, factory: BackendFactory) {
    const { clock = systemClock } = options;
    super(factory.capabilities, clock);
    if (!areAddresses(cluster)) {
      throw new TypeError('`cluster` must look like [{ host: "one", port: 6379 }].');
    }
    // Checks the options now, because the backends of the shards are created later.
    factory.create({ url: "redis://localhost" });
    this.#seeds = cluster;
    this.#connection = connectionOf(options);
    this.#context = { owner: { onAsyncError: (error) => this.report(error) }, clock };
    // A brace in the prefix may begin a hash tag, which would put every probe's topic in the same slot.
    const { probePrefix = "greenroom" } = options;
    this.#prefix = probePrefix;
    this.#probePrefix = probePrefix.includes("{") ? "greenroom" : probePrefix;
    this.#factory = factory;
  }

  override async close(): Promise<void> {
    this.#topology?.close();
    await super.close();
  }

  protected override async createFirst(): Promise<ReplaceableBackend> {
    const onShards = (shards: readonly Shard[]) => void this.#onTopology(shards, topology);
    const topology = new RedisClusterTopology(this.#seeds, this.#connection, onShards, this.#context);
    this.#topology = topology;
    this.#shards = await topology.shards();
    return this.#createBackend(this.#shards, topology);
  }

  /** Swaps after two equal replies, as one may be wrong. Ignores a reply with fewer slots: it is outdated. */
  async #onTopology(shards: readonly Shard[], topology: RedisClusterTopology): Promise<void> {
    const found = partition(shards);
    const isKnown = found === partition(this.#shards) || servedSlots(shards) < servedSlots(this.#shards);
    const isConfirmed = found === this.#unconfirmed;
    this.#unconfirmed = isKnown || isConfirmed ? undefined : found;
    if (isKnown || !isConfirmed) return;
    if (await this.swap(this.#createBackend(shards, topology))) this.#shards = shards;
  }

  #createBackend(shards: readonly Shard[], topology: RedisClusterTopology): ReplaceableBackend {
    return new ShardedBackend(this.#factory, () => {
      const bySlot = new Array<RedisBackend | undefined>(slotCount).fill(undefined);
      const backends = shards.map((shard) => {
        const backend = this.#createShard(shard, topology);
        for (const [from, to] of shard.slots) bySlot.fill(backend, from, to + 1);
        return backend;
      });
      const backendAt = (key: string) => {
        const backend = bySlot[keySlot(key)];
        if (backend !== undefined) return backend;
        throw new LayerUnavailableError(
          `No node of the cluster serves slot ${keySlot(key)}: check CLUSTER INFO.`,
        );
      };
      return { backends, backendAt };
    });
  }

  /** The backend connects to the shard's current master, also after a failover. */
  #createShard({ master, slots }: Shard, topology: RedisClusterTopology): RedisBackend {
    const [[first] = [0]] = slots;
    const isInShard = (slot: number) => slots.some(([from, to]) => from <= slot && slot <= to);
    let probeTopic: string;
    do probeTopic = `${this.#probePrefix}__probe__${randomBytes(10).toString("hex")}`;
    while (!isInShard(keySlot(probeTopic)));
    const Connector = topology.connectorFor(slots);
    const server = {
      address: `the cluster's shard of slot ${first}, initially at ${master.host}:${master.port},`,
      ...this.#connection,
      create: (options: AnyConnectionOptions) => new Redis({ ...options, Connector }),
    };
    // With an empty hash tag in the prefix, the two markers may be in different shards: then none is used.
    const hasMarkers = layerKinds.every((kind) => isInShard(keySlot(markerTopic(this.#prefix, kind))));
    return this.#factory.create({ shard: { server, commands: shardedPubSub, probeTopic, hasMarkers } });
  }
}
