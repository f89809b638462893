import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import type { Backend } from "../contract.ts";
import { LayerUnavailableError } from "../errors.ts";
import type { BackendKind } from "./backend-kind.ts";
import { ClusterTopology, type Shard } from "./cluster-topology.ts";
import { keySlot, slotCount } from "./key-slot.ts";
import { shardedPubSub } from "./pubsub-commands.ts";
import type { PubSubOptions } from "./pubsub-settings.ts";
import { type AnyConnectionOptions, fixed } from "./redis-server.ts";
import type { RedisAddress } from "./servers.ts";
import { ShardedBackend } from "./sharded-backend.ts";

/** A Redis Cluster, of Redis 7 or later: groups and queues are spread over its masters by their slots. */
export interface ByCluster {
  /** Some of its nodes; they tell of the others. */
  readonly cluster: readonly RedisAddress[];
}

/**
 * Moves payloads by sharded pub/sub: each topic lives on the shard of its slot, and on no other, and so does each queue.
 *
 * Each shard has connections of its own, to whoever is its master when they are made: after a failover that is the
 * replica that took over, and the shard's topics get a gap, or look for what they missed. Which slots belong together is
 * found out when the backend is opened.
 */
export class ClusterBackend extends ShardedBackend {
  readonly #kind: BackendKind;
  readonly #options: PubSubOptions;
  readonly #seeds: readonly RedisAddress[];
  readonly #connection: AnyConnectionOptions;
  #bySlot: readonly (Backend | undefined)[] = [];
  #topology: ClusterTopology | undefined;

  constructor({ cluster, ...options }: ByCluster & PubSubOptions, kind: BackendKind) {
    super(kind);
    const { connectTimeoutMs = 5_000, redis = {} } = options;
    this.#kind = kind;
    this.#seeds = cluster;
    this.#options = options;
    this.#connection = {
      ...redis,
      ...fixed,
      connectTimeout: connectTimeoutMs,
      socketTimeout: connectTimeoutMs,
    };
  }

  override async close(): Promise<void> {
    this.#topology?.close();
    await super.close();
  }

  protected override async create(): Promise<readonly Backend[]> {
    const topology = new ClusterTopology(this.#seeds, this.#connection);
    this.#topology = topology;
    const bySlot = new Array<Backend | undefined>(slotCount).fill(undefined);
    const backends = (await topology.shards()).map((shard) => {
      const backend = this.#backendOf(shard, topology);
      for (const [from, to] of shard.slots) bySlot.fill(backend, from, to + 1);
      return backend;
    });
    this.#bySlot = bySlot;
    return backends;
  }

  protected override backendAt(key: string): Backend {
    const slot = keySlot(key);
    const backend = this.#bySlot[slot];
    if (backend === undefined) throw new LayerUnavailableError(`Nobody in the cluster serves slot ${slot}.`);
    return backend;
  }

  #backendOf({ master, slots }: Shard, topology: ClusterTopology): Backend {
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
    return this.#kind.create({ shard: { server, commands: shardedPubSub, probeTopic } });
  }
}
