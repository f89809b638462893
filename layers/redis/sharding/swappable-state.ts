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

export interface SwappableStateContext {
  /** @throws {LayerUnavailableError} before the first backend is open. */
  current(): StateBackend;
  /** Runs a call. Rejects with {@link LayerUnavailableError} if a swap interrupts it. */
  guard<T>(call: (state: StateBackend) => Promise<T>): Promise<T>;
  /** Repeats `attempt` until it succeeds. Resolves, too, if the signal is aborted. */
  retry(attempt: () => Promise<void>, signal: AbortSignal): Promise<void>;
}

interface Subscribed {
  readonly topic: StateTopic;
  readonly subscription: StateSubscription;
  /** Resolves once the last move to another backend has ended. */
  moved: Promise<void>;
}

/**
 * The named actors of a backend that can be swapped. After a swap, every topic is subscribed at the new backend, and
 * then its subscription receives a gap.
 */
export class SwappableState implements StateBackend {
  readonly #context: SwappableStateContext;
  readonly #subscribed = new Map<string, Subscribed>();
  readonly #closing = new AbortController();
  #isOpen = false;

  constructor(context: SwappableStateContext) {
    this.#context = context;
  }

  async open(): Promise<readonly Error[]> {
    for (;;) {
      const state = this.#context.current();
      this.#isOpen = true;
      const warnings = await state.open();
      if (state === this.#context.current()) return warnings;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#subscribed.clear();
    if (this.#isOpen) await this.#context.current().close();
  }

  /** Prepares the next backend. Must be called before it becomes the current one. */
  async prepare(next: StateBackend): Promise<void> {
    if (this.#isOpen && !this.#isClosed) await next.open();
  }

  /** Must be called once another backend has become the current one. */
  swapped(): void {
    for (const subscribed of this.#subscribed.values()) subscribed.moved = this.#resubscribe(subscribed);
  }

  partitions(kind: string, count: number): Promise<number> {
    return this.#context.guard((state) => state.partitions(kind, count));
  }

  beat(kind: string, member: Member, leaseMs: number): Promise<Membership> {
    return this.#context.guard((state) => state.beat(kind, member, leaseMs));
  }

  members(kind: string): Promise<Membership> {
    return this.#context.guard((state) => state.members(kind));
  }

  leave(kind: string, node: string): Promise<void> {
    return this.#context.guard((state) => state.leave(kind, node));
  }

  claim(...claim: Parameters<StateBackend["claim"]>): Promise<Claim> {
    return this.#context.guard((state) => state.claim(...claim));
  }

  release(partition: Partition, token: string): Promise<void> {
    return this.#context.guard((state) => state.release(partition, token));
  }

  ship(partition: Partition, shipment: Shipment): Promise<ShipmentReply> {
    return this.#context.guard((state) => state.ship(partition, shipment));
  }

  turn(partition: Partition, turn: Turn): Promise<TurnReply> {
    return this.#context.guard((state) => state.turn(partition, turn));
  }

  read(partition: Partition, key: string): Promise<StoredActor> {
    return this.#context.guard((state) => state.read(partition, key));
  }

  replace(...replacement: Parameters<StateBackend["replace"]>): Promise<readonly Uint8Array[]> {
    return this.#context.guard((state) => state.replace(...replacement));
  }

  resume(partition: Partition, key: string): Promise<boolean> {
    return this.#context.guard((state) => state.resume(partition, key));
  }

  keys(partition: Partition): Promise<readonly string[]> {
    return this.#context.guard((state) => state.keys(partition));
  }

  describe(partition: Partition): Promise<StoredPartition> {
    return this.#context.guard((state) => state.describe(partition));
  }

  deadLetters(partition: Partition, limit?: number): Promise<readonly Uint8Array[]> {
    return this.#context.guard((state) => state.deadLetters(partition, limit));
  }

  async subscribe(topic: StateTopic, subscription: StateSubscription): Promise<void> {
    for (;;) {
      const state = this.#context.current();
      try {
        await state.subscribe(topic, subscription);
      } catch (error) {
        if (this.#isClosed || state === this.#context.current()) throw error;
      }
      if (state === this.#context.current()) break;
    }
    this.#subscribed.set(nameOf(topic), { topic, subscription, moved: Promise.resolve() });
  }

  async unsubscribe(topic: StateTopic): Promise<void> {
    const name = nameOf(topic);
    const subscribed = this.#subscribed.get(name);
    this.#subscribed.delete(name);
    await subscribed?.moved;
    await this.#context.current().unsubscribe(topic);
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Stops if the backend is swapped again, or the topic is unsubscribed. */
  async #resubscribe(subscribed: Subscribed): Promise<void> {
    const state = this.#context.current();
    const { topic, subscription } = subscribed;
    const isDue = () =>
      state === this.#context.current() &&
      this.#subscribed.get(nameOf(topic)) === subscribed &&
      !this.#isClosed;
    const subscribe = async () => {
      try {
        if (isDue()) await state.subscribe(topic, subscription);
      } catch (error) {
        if (isDue()) throw error;
      }
      if (isDue()) subscription.gap();
    };
    await this.#context.retry(subscribe, this.#closing.signal);
  }
}

function nameOf(topic: StateTopic): string {
  if (topic.topic === "members") return `members ${topic.kind}`;
  const { kind, index } = topic.partition;
  return topic.topic === "wake" ? `wake ${kind} ${index}` : `view ${kind} ${index} ${topic.key}`;
}
