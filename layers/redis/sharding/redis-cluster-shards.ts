import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import type { Backend } from "../../backend.ts";
import { LayerUnavailableError } from "../../errors.ts";
import type { BackendFactory } from "../connection/backend-factory.ts";
import { shardedPubSub } from "../connection/pubsub-commands.ts";
import type { PubSubOptions } from "../connection/pubsub-settings.ts";
import type { AnyConnectionOptions } from "../connection/server-options.ts";
import { keySlot, slotCount } from "./key-slot.ts";
import type { ClusterTopology, Shard } from "./redis-cluster-topology.ts";
import { ShardedBackend } from "./sharded-backend.ts";

/** What there is to say about the shards of a cluster besides which they are. */
export interface ShardOptions extends PubSubOptions {
  readonly connection: AnyConnectionOptions;
}

/**
 * The shards of a cluster, as long as the same slots belong together: each topic lives on the shard of its slot, and on
 * no other, and so does each queue.
 *
 * Each shard has connections of its own, to whoever is its master when they are made: after a failover that is the
 * replica that took over, and the shard's topics get a gap, or look for what they missed.
 */
export class ClusterShards extends ShardedBackend {
  readonly #shards: readonly Shard[];
  readonly #topology: ClusterTopology;
  readonly #options: ShardOptions;
  readonly #kind: BackendFactory;
  #bySlot: readonly (Backend | undefined)[] = [];

  constructor(
    shards: readonly Shard[],
    topology: ClusterTopology,
    options: ShardOptions,
    kind: BackendFactory,
  ) {
    super(kind);
    this.#shards = shards;
    this.#topology = topology;
    this.#options = options;
    this.#kind = kind;
  }

  protected override async create(): Promise<readonly Backend[]> {
    const bySlot = new Array<Backend | undefined>(slotCount).fill(undefined);
    const backends = this.#shards.map((shard) => {
      const backend = this.#backendOf(shard);
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

  #backendOf({ master, slots }: Shard): Backend {
    const [[first] = [0]] = slots;
    const inShard = (slot: number) => slots.some(([from, to]) => from <= slot && slot <= to);
    const { connectTimeoutMs = 5_000, probePrefix = "greenroom", connection } = this.#options;
    // A prefix with braces ties all that begins with it to one slot.
    const begin = probePrefix.includes("{") ? "greenroom" : probePrefix;
    let probeTopic: string;
    do probeTopic = `${begin}__probe__${randomBytes(10).toString("hex")}`;
    while (!inShard(keySlot(probeTopic)));
    const Connector = this.#topology.connectorFor(slots);
    const server = {
      address: `the cluster's shard of slot ${first}, first at ${master.host}:${master.port},`,
      connectTimeoutMs,
      options: connection,
      create: (options: AnyConnectionOptions) => new Redis({ ...options, Connector }),
    };
    return this.#kind.create({ shard: { server, commands: shardedPubSub, probeTopic } });
  }
}
