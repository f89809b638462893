import type {
  Backend,
  BackendListener,
  Capabilities,
  Consumption,
  Health,
  HistoryBackend,
  QueueBackend,
} from "../../backend.ts";
import { asError, LayerClosedError, LayerUnavailableError } from "../../errors.ts";
import type { BackendFactory } from "../connection/backend-factory.ts";
import { Pauses } from "../connection/pauses.ts";
import type { PubSubOptions } from "../connection/pubsub-settings.ts";
import type { RedisAddress } from "../connection/server-address.ts";
import { connectionOf } from "../connection/server-options.ts";
import { ClusterShards, type ShardOptions } from "./redis-cluster-shards.ts";
import { ClusterTopology, partition, type Shard, servedSlots } from "./redis-cluster-topology.ts";
import { MovingConsumption } from "./relocatable-consumption.ts";
import { required } from "./sharded-backend.ts";

/** A Redis Cluster, of Redis 7 or later: groups and queues are spread over its masters by their slots. */
export interface ByCluster {
  /** Some of its nodes; they tell of the others. */
  readonly cluster: readonly RedisAddress[];
}

/** The shards between which slots were spread at one time. */
interface Generation {
  readonly shards: ClusterShards;
  readonly partition: string;
  readonly served: number;
}

/**
 * Runs on the shards of a cluster, and follows it when slots move from one to another.
 *
 * Connections ask who serves what whenever they are made, which they are when a server says that a slot is elsewhere.
 * When the answer is a new one twice in a row, all begins anew with the shards that there are now: every topic is
 * subscribed there and gets one gap, every consumption goes on there.
 */
export class ClusterBackend implements Backend {
  readonly capabilities: Capabilities;
  readonly history?: HistoryBackend;
  readonly queues?: QueueBackend;
  readonly #seeds: readonly RedisAddress[];
  readonly #options: ShardOptions;
  readonly #kind: BackendFactory;
  readonly #pauses: Pauses;
  /** Those that are subscribed, each with the end of its last move. */
  readonly #topics = new Map<string, Promise<void>>();
  readonly #gapsDue = new Set<string>();
  readonly #consumptions = new Set<MovingConsumption>();
  readonly #retiring = new Set<Promise<void>>();
  #topology: ClusterTopology | undefined;
  #listener: BackendListener | undefined;
  #generation: Generation | undefined;
  #next: Generation | undefined;
  #unconfirmed: string | undefined;
  #moving: Promise<void> | undefined;
  #isOpen = false;

  constructor({ cluster, ...options }: ByCluster & PubSubOptions, kind: BackendFactory) {
    const { clock = globalThis } = options;
    this.#seeds = cluster;
    this.#options = { ...options, connection: connectionOf(options).options };
    this.#kind = kind;
    this.#pauses = new Pauses(clock);
    this.capabilities = kind.capabilities;
    if (this.capabilities.history) {
      this.history = { read: async (topic, query) => required(this.#now.history).read(topic, query) };
    }
    if (this.capabilities.workers) {
      this.queues = {
        enqueue: async (queue, payload, capacity) =>
          this.#guard((shards) => required(shards.queues).enqueue(queue, payload, capacity)),
        consume: async (...what) => this.#consume(() => required(this.#now.queues).consume(...what)),
      };
    }
  }

  get health(): Health {
    return this.#generation?.shards.health ?? { ok: false, reason: "The backend has not been opened." };
  }

  async open(listener: BackendListener): Promise<void> {
    this.#listener = listener;
    const topology = new ClusterTopology(this.#seeds, this.#options.connection, (shards) =>
      this.#onTopology(shards),
    );
    this.#topology = topology;
    this.#generation = undefined;
    const shards = await topology.shards();
    if (topology.isClosed) throw new LayerClosedError();
    const generation = this.#generationOf(shards, topology);
    this.#generation = generation;
    await generation.shards.open(this.#listenerOf(generation));
    this.#isOpen = true;
  }

  publish(topic: string, payload: Uint8Array): Promise<void> {
    return this.#guard((shards) => shards.publish(topic, payload));
  }

  async subscribe(topic: string): Promise<void> {
    for (;;) {
      const generation = this.#generation;
      try {
        await this.#now.subscribe(topic);
      } catch (error) {
        if (generation === this.#generation || this.#pauses.areOver) throw error;
      }
      if (generation === this.#generation) break;
    }
    this.#topics.set(topic, Promise.resolve());
  }

  async unsubscribe(topic: string): Promise<void> {
    const moved = this.#topics.get(topic);
    this.#topics.delete(topic);
    this.#gapsDue.delete(topic);
    await moved;
    return this.#now.unsubscribe(topic);
  }

  async close(): Promise<void> {
    this.#pauses.end();
    this.#topology?.close();
    await Promise.all([this.#generation, this.#next].map((generation) => generation?.shards.close()));
    await this.#moving;
    await Promise.all(this.#retiring);
  }

  get #now(): ClusterShards {
    if (this.#generation === undefined) throw new LayerUnavailableError("The backend has not been opened.");
    return this.#generation.shards;
  }

  /** What is under way while slots move may have been done or not. */
  async #guard<T>(work: (shards: ClusterShards) => Promise<T>): Promise<T> {
    const shards = this.#now;
    try {
      return await work(shards);
    } catch (error) {
      if (shards === this.#now) throw error;
      throw new LayerUnavailableError("Slots of the cluster have moved meanwhile.", { cause: error });
    }
  }

  async #consume(begin: () => Promise<Consumption>): Promise<Consumption> {
    const consumption = new MovingConsumption(begin, this.#pauses, (error) => this.#failed(error));
    // From now on it moves along: also where slots move before it has begun.
    this.#consumptions.add(consumption);
    try {
      await this.#open(consumption);
    } catch (error) {
      this.#consumptions.delete(consumption);
      await consumption.close();
      throw error;
    }
    const close = async () => {
      this.#consumptions.delete(consumption);
      await consumption.close();
    };
    return { close };
  }

  /** What fails because slots have moved meanwhile has been told to move along. */
  async #open(consumption: MovingConsumption): Promise<void> {
    const generation = this.#generation;
    try {
      await consumption.open();
    } catch (error) {
      if (generation === this.#generation || this.#pauses.areOver) throw error;
      await consumption.moved;
    }
    if (this.#pauses.areOver) throw new LayerClosedError();
  }

  #generationOf(shards: readonly Shard[], topology: ClusterTopology): Generation {
    return {
      shards: new ClusterShards(shards, topology, this.#options, this.#kind),
      partition: partition(shards),
      served: servedSlots(shards),
    };
  }

  /** What belongs to an earlier era says nothing any more. */
  #listenerOf(generation: Generation): BackendListener {
    return {
      payload: (topic, payload, position) => {
        if (generation !== this.#generation) return;
        if (this.#gapsDue.size > 0) this.#tellGap(topic);
        this.#listener?.payload(topic, payload, position);
      },
      gap: (topic, range) => {
        if (generation === this.#generation) this.#listener?.gap(topic, range);
      },
      error: (error) => this.#listener?.error(error),
    };
  }

  /** One node may be wrong, so two of them have to agree; one that knows of fewer slots has yet to learn. */
  #onTopology(shards: readonly Shard[]): void {
    const topology = this.#topology;
    if (!this.#isOpen || this.#generation === undefined || topology === undefined) return;
    if (this.#moving !== undefined) return;
    const news = partition(shards);
    const isKnown = news === this.#generation.partition || servedSlots(shards) < this.#generation.served;
    const isConfirmed = news === this.#unconfirmed;
    this.#unconfirmed = isKnown || isConfirmed ? undefined : news;
    if (isKnown || !isConfirmed) return;
    this.#moving = this.#move(this.#generationOf(shards, topology)).finally(() => {
      this.#moving = undefined;
    });
  }

  async #move(next: Generation): Promise<void> {
    this.#next = next;
    try {
      await next.shards.open(this.#listenerOf(next));
    } catch (error) {
      // Whoever is sent elsewhere will ask again.
      this.#failed(error);
      return;
    }
    if (this.#pauses.areOver) return next.shards.close();
    if (this.#generation !== undefined) this.#retire(this.#generation);
    this.#generation = next;
    for (const topic of this.#topics.keys()) {
      this.#gapsDue.add(topic);
      this.#topics.set(topic, this.#restore(topic, next));
    }
    for (const consumption of this.#consumptions) consumption.move();
  }

  #retire({ shards }: Generation): void {
    const closing = shards.close().finally(() => this.#retiring.delete(closing));
    this.#retiring.add(closing);
  }

  /** Subscribes a topic where it lives now, as long as that is the place and it is wanted. */
  async #restore(topic: string, generation: Generation): Promise<void> {
    const isDue = () => generation === this.#generation && this.#topics.has(topic) && !this.#pauses.areOver;
    for (let attempt = 1; isDue(); attempt += 1) {
      try {
        await generation.shards.subscribe(topic);
        this.#tellGap(topic);
        return;
      } catch (error) {
        if (isDue() && attempt === 1) this.#failed(error);
        if (isDue()) await this.#pauses.before(attempt);
      }
    }
  }

  #tellGap(topic: string): void {
    if (this.#gapsDue.delete(topic)) this.#listener?.gap(topic);
  }

  #failed(error: unknown): void {
    this.#listener?.error(asError(error));
  }
}
