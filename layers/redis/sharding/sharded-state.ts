import type {
  Claim,
  Member,
  Membership,
  Partition,
  Shipment,
  ShipmentReply,
  StateBackend,
  StateSubscription,
  StateTopic,
  StoredActor,
  StoredPartition,
  Turn,
  TurnReply,
} from "../../state-backend.ts";
import type { ShardState } from "../connection/backend-factory.ts";

export interface StateShards {
  all(): readonly ShardState[];
  /** Returns the shard of a partition, or of the data of a kind. */
  at(place: Partition | string): ShardState;
}

/** Distributes kinds and partitions over shards. An outage of one shard does not affect the others. */
export class ShardedState implements StateBackend {
  readonly #shards: StateShards;

  constructor(shards: StateShards) {
    this.#shards = shards;
  }

  async open(): Promise<readonly Error[]> {
    const outcomes = await Promise.allSettled(this.#shards.all().map((shard) => shard.open()));
    return outcomes.flatMap((outcome) => {
      if (outcome.status === "rejected") throw outcome.reason;
      return outcome.value;
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#shards.all().map((shard) => shard.close()));
  }

  async partitions(kind: string, count: number): Promise<number> {
    return this.#shards.at(kind).partitions(kind, count);
  }

  async beat(kind: string, member: Member, leaseMs: number): Promise<Membership> {
    return this.#shards.at(kind).beat(kind, member, leaseMs);
  }

  async members(kind: string): Promise<Membership> {
    return this.#shards.at(kind).members(kind);
  }

  async leave(kind: string, node: string): Promise<void> {
    return this.#shards.at(kind).leave(kind, node);
  }

  async claim(...[partition, claim]: Parameters<StateBackend["claim"]>): Promise<Claim> {
    const reply = await this.#shards.at(partition).claimPartition(partition, claim);
    if (reply.outcome === "mine") await this.#shards.at(partition.kind).raise(partition, claim.version);
    return reply;
  }

  async release(partition: Partition, token: string): Promise<void> {
    return this.#shards.at(partition).release(partition, token);
  }

  async ship(partition: Partition, shipment: Shipment): Promise<ShipmentReply> {
    return this.#shards.at(partition).ship(partition, shipment);
  }

  async turn(partition: Partition, turn: Turn): Promise<TurnReply> {
    return this.#shards.at(partition).turn(partition, turn);
  }

  async read(partition: Partition, key: string): Promise<StoredActor> {
    return this.#shards.at(partition).read(partition, key);
  }

  async replace(
    ...[partition, ...rest]: Parameters<StateBackend["replace"]>
  ): Promise<readonly Uint8Array[]> {
    return this.#shards.at(partition).replace(partition, ...rest);
  }

  async resume(partition: Partition, key: string): Promise<boolean> {
    return this.#shards.at(partition).resume(partition, key);
  }

  async keys(partition: Partition): Promise<readonly string[]> {
    return this.#shards.at(partition).keys(partition);
  }

  async describe(partition: Partition): Promise<StoredPartition> {
    return this.#shards.at(partition).describe(partition);
  }

  async deadLetters(partition: Partition, limit?: number): Promise<readonly Uint8Array[]> {
    return this.#shards.at(partition).deadLetters(partition, limit);
  }

  async subscribe(topic: StateTopic, subscription: StateSubscription): Promise<void> {
    return this.#shards.at(placeOf(topic)).subscribe(topic, subscription);
  }

  async unsubscribe(topic: StateTopic): Promise<void> {
    return this.#shards.at(placeOf(topic)).unsubscribe(topic);
  }
}

const placeOf = (topic: StateTopic) => (topic.topic === "members" ? topic.kind : topic.partition);
