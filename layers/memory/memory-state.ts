import { type Clock, wallTimeOf } from "../clock.ts";
import {
  type Claim,
  type Member,
  type Membership,
  type Partition,
  replacedPayload,
  type Shipment,
  type ShipmentReply,
  type StateBackend,
  type StateSubscription,
  type StateTopic,
  type StoredActor,
  type StoredPartition,
  type Turn,
  type TurnReply,
  wakePayload,
} from "../state-backend.ts";
import { MemoryKind } from "./memory-kind.ts";
import { MemoryPartition } from "./memory-partition.ts";

const empty = new Uint8Array();

/** The named actors of the layers with one prefix on a `MemoryBus`. */
export class MemoryStateStore {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, MemoryKind>();
  readonly #partitions = new Map<string, MemoryPartition>();
  readonly #subscriptions = new Map<string, Set<StateSubscription>>();

  /** @param clock the clock of deadlines and leases. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return wallTimeOf(this.#clock);
  }

  kind(name: string): MemoryKind {
    let kind = this.#kinds.get(name);
    if (kind === undefined) {
      const topic = topicName({ kind: name, topic: "members" });
      kind = new MemoryKind(() => this.#publish(topic, empty));
      this.#kinds.set(name, kind);
    }
    return kind;
  }

  partition(partition: Partition): MemoryPartition {
    const name = `${partition.kind} ${partition.index}`;
    let stored = this.#partitions.get(name);
    if (stored === undefined) {
      const topic = topicName({ partition, topic: "wake" });
      stored = new MemoryPartition(
        {
          isHeard: () => this.#subscriptions.has(topic),
          wake: (keys) => this.#publish(topic, keys ? Buffer.from(wakePayload(keys)) : empty),
          replaced: (key) => this.#publish(topic, Buffer.from(replacedPayload(key))),
          view: (key, payload) => this.#publish(topicName({ partition, topic: "view", key }), payload),
        },
        () => this.now(),
      );
      this.#partitions.set(name, stored);
    }
    return stored;
  }

  subscribe(topic: string, subscription: StateSubscription): void {
    const others = this.#subscriptions.get(topic);
    if (others === undefined) this.#subscriptions.set(topic, new Set([subscription]));
    else others.add(subscription);
  }

  unsubscribe(topic: string, subscription: StateSubscription): void {
    const others = this.#subscriptions.get(topic);
    if (others?.delete(subscription) && others.size === 0) this.#subscriptions.delete(topic);
  }

  /** Delivers in the check phase of the event loop, never from within the call. */
  #publish(topic: string, payload: Uint8Array): void {
    const subscriptions = this.#subscriptions.get(topic);
    if (subscriptions === undefined) return;
    for (const subscription of subscriptions) {
      setImmediate(() => {
        if (this.#subscriptions.get(topic)?.has(subscription)) subscription.payload(payload);
      });
    }
  }
}

/** The access of one node to a {@link MemoryStateStore}. */
export class MemoryState implements StateBackend {
  readonly #store: MemoryStateStore;
  readonly #subscriptions = new Map<string, StateSubscription>();

  constructor(store: MemoryStateStore) {
    this.#store = store;
  }

  async open(): Promise<readonly Error[]> {
    return [];
  }

  async close(): Promise<void> {
    for (const [topic, subscription] of this.#subscriptions) this.#store.unsubscribe(topic, subscription);
    this.#subscriptions.clear();
  }

  async partitions(kind: string, count: number): Promise<number> {
    const stored = this.#store.kind(kind);
    stored.partitions ??= count;
    return stored.partitions;
  }

  async beat(kind: string, member: Member, leaseMs: number): Promise<Membership> {
    const topic = topicName({ kind, topic: "members" });
    const listens = () => this.#subscriptions.has(topic);
    return this.#store.kind(kind).beat(member, leaseMs, this.#store.now(), listens);
  }

  async members(kind: string): Promise<Membership> {
    return this.#store.kind(kind).membership;
  }

  async leave(kind: string, node: string): Promise<void> {
    this.#store.kind(kind).leave(node);
  }

  async claim(partition: Partition, claim: Parameters<StateBackend["claim"]>[1]): Promise<Claim> {
    const stored = this.#store.partition(partition);
    const reply = stored.claim(claim);
    if (stored.version > 1) this.#store.kind(partition.kind).versions.set(partition.index, stored.version);
    return reply;
  }

  async release(partition: Partition, token: string): Promise<void> {
    this.#store.partition(partition).release(token);
  }

  async ship(partition: Partition, shipment: Shipment): Promise<ShipmentReply> {
    const reply = this.#store.partition(partition).ship(shipment);
    await turnOfEventLoop();
    return reply;
  }

  async turn(partition: Partition, turn: Turn): Promise<TurnReply> {
    const reply = this.#store.partition(partition).turn(turn);
    await turnOfEventLoop();
    return reply;
  }

  async read(partition: Partition, key: string): Promise<StoredActor> {
    return this.#store.partition(partition).read(key);
  }

  async replace(
    partition: Partition,
    key: string,
    state: Parameters<StateBackend["replace"]>[2],
    view: Uint8Array | undefined,
  ): Promise<readonly Uint8Array[]> {
    return this.#store.partition(partition).replace(key, state, view);
  }

  async resume(partition: Partition, key: string): Promise<boolean> {
    return this.#store.partition(partition).resume(key);
  }

  async keys(partition: Partition): Promise<readonly string[]> {
    return this.#store.partition(partition).keys();
  }

  async describe(partition: Partition): Promise<StoredPartition> {
    return this.#store.partition(partition).describe();
  }

  async deadLetters(partition: Partition, limit = 1_000): Promise<readonly Uint8Array[]> {
    return this.#store.partition(partition).deadLetters(limit);
  }

  async subscribe(topic: StateTopic, subscription: StateSubscription): Promise<void> {
    const name = topicName(topic);
    this.#subscriptions.set(name, subscription);
    this.#store.subscribe(name, subscription);
  }

  async unsubscribe(topic: StateTopic): Promise<void> {
    const name = topicName(topic);
    const subscription = this.#subscriptions.get(name);
    this.#subscriptions.delete(name);
    if (subscription !== undefined) this.#store.unsubscribe(name, subscription);
  }
}

function topicName(topic: StateTopic): string {
  if (topic.topic === "members") return `members ${topic.kind}`;
  const { kind, index } = topic.partition;
  return topic.topic === "wake" ? `wake ${kind} ${index}` : `view ${kind} ${index} ${topic.key}`;
}

/** Lets sockets and timers be handled, even if a sender or an owner calls without a pause. */
function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
