import { MemoryState, MemoryStateStore } from "../../../layers/memory/memory-state.ts";
import type { StateBackend, StateSubscription, StateTopic } from "../../../layers/state-backend.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** One call that the store has executed. */
interface Executed {
  readonly at: number;
  readonly node: string;
  readonly call: (state: StateBackend) => Promise<unknown>;
}

/** The live subscriptions of a node, by the text of their topics. */
type Live = Map<string, { readonly topic: StateTopic; readonly subscription: StateSubscription }>;

/** A store in memory that can be rolled back: it repeats the first of its calls on an empty store. */
export class ModelStore {
  readonly #time: VirtualTime;
  #executed: Executed[] = [];
  #states = new Map<string, MemoryState>();
  readonly #live = new Map<string, Live>();
  #store: MemoryStateStore;
  #replayAt: number | undefined;

  constructor(time: VirtualTime) {
    this.#time = time;
    this.#store = this.#create();
  }

  /** The number of executed calls. */
  get length(): number {
    return this.#executed.length;
  }

  /** The store, for the judge. */
  get state(): StateBackend {
    return new MemoryState(this.#store);
  }

  execute<T>(node: string, call: (state: StateBackend) => Promise<T>): Promise<T> {
    this.#executed.push({ at: this.#time.now, node, call });
    return call(this.#stateOf(node));
  }

  subscribe(node: string, topic: StateTopic, subscription: StateSubscription): void {
    if (this.#isReplaying) return;
    this.#liveOf(node).set(JSON.stringify(topic), { topic, subscription });
    void this.execute(node, (state) => state.subscribe(topic, subscription));
  }

  unsubscribe(node: string, topic: StateTopic): void {
    if (this.#isReplaying) return;
    this.#liveOf(node).delete(JSON.stringify(topic));
    void this.execute(node, (state) => state.unsubscribe(topic));
  }

  /** Ends the subscriptions of a node, as the end of its connection does. */
  disconnect(node: string): void {
    for (const { topic } of [...this.#liveOf(node).values()]) this.unsubscribe(node, topic);
  }

  /** Forgets the subscriptions of a node for a moment. @returns a function that subscribes them again */
  deafen(node: string): () => void {
    const topics = [...this.#liveOf(node).values()];
    for (const { topic } of topics) void this.execute(node, (state) => state.unsubscribe(topic));
    return () => {
      for (const { topic, subscription } of topics) {
        if (this.#liveOf(node).get(JSON.stringify(topic))?.subscription !== subscription) continue;
        void this.execute(node, (state) => state.subscribe(topic, subscription));
        subscription.gap();
      }
    };
  }

  /** Forgets the last calls, as a failover to an outdated replica does. All nodes connect anew. */
  rollBack(calls: number): void {
    const kept = this.#executed.slice(0, Math.max(0, this.#executed.length - calls));
    this.#store = this.#create();
    this.#store.now(); // the first use of a clock defines its wall time
    this.#states = new Map();
    for (const { at, node, call } of kept) {
      this.#replayAt = at;
      void call(this.#stateOf(node));
    }
    this.#replayAt = undefined;
    this.#executed = kept;
    for (const [node, live] of this.#live) {
      void this.#stateOf(node).close();
      for (const { topic, subscription } of live.values()) {
        void this.execute(node, (state) => state.subscribe(topic, subscription));
        subscription.gap();
      }
    }
  }

  /** Subscriptions belong to connections, not to the store, so a repeated call must not change which are live. */
  get #isReplaying(): boolean {
    return this.#replayAt !== undefined;
  }

  #create(): MemoryStateStore {
    const timers = { setTimeout, clearTimeout };
    return new MemoryStateStore({
      setTimeout: (fn, ms) => timers.setTimeout(fn, ms),
      clearTimeout: (id) => timers.clearTimeout(id as NodeJS.Timeout),
      // The wall time, because its offset is zero.
      now: () => this.#replayAt ?? this.#time.now,
    });
  }

  #stateOf(node: string): MemoryState {
    const state = this.#states.get(node) ?? new MemoryState(this.#store);
    this.#states.set(node, state);
    return state;
  }

  #liveOf(node: string): Live {
    const live = this.#live.get(node) ?? new Map();
    this.#live.set(node, live);
    return live;
  }
}
