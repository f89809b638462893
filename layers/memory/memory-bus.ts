import { AsyncResource } from "node:async_hooks";
import type { HistoryQuery, StoredHistory } from "../backend.ts";
import { type HistoryLimitOptions, HistoryLimits } from "../history-limits.ts";
import type { Position } from "../message.ts";
import { MemoryHistory } from "./memory-history.ts";
import { MemoryQueues } from "./memory-queues.ts";

export type Subscriber = (topic: string, payload: Uint8Array, position?: Position) => void;

/** The history limits of a {@link MemoryBus}. All nodes on the bus use these limits. */
export type MemoryBusOptions = HistoryLimitOptions;

/** A node. `waiting` is the number of payloads that it has received and not delivered yet. */
interface Node {
  readonly waiting?: number;
}

interface Pending {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly position: Position | undefined;
}

/**
 * Connects memory layers within one process: nodes on the same bus reach each other. A bus delivers all
 * payloads that are published in one turn of the event loop together, in order, in the check phase. So, as
 * with a network, sockets and timers are handled even if two actors answer each other endlessly. A subscriber
 * receives only payloads published after it subscribed.
 */
export class MemoryBus {
  /** The subscribers of each topic, and the number of the first payload that each subscriber receives. */
  readonly #subscribers = new Map<string, Map<Subscriber, number>>();
  readonly queues = new MemoryQueues();
  /** The open nodes. Payloads that wait in them count as in flight. */
  readonly nodes = new Set<Node>();
  readonly #history = new MemoryHistory(() => performance.now());
  readonly #limits: HistoryLimits;
  #pending: Pending[] = [];
  /** The number of the first pending payload. */
  #first = 0;

  /** @throws {InvalidOptionError} for an invalid capacity or expiry. */
  constructor(options: MemoryBusOptions = {}) {
    this.#limits = new HistoryLimits(options);
  }

  get inFlight(): number {
    let count = this.#pending.length;
    for (const { waiting = 0 } of this.nodes) count += waiting;
    return count;
  }

  /** @param group the group whose history stores the payload. If undefined, the payload is not stored. */
  publish(topic: string, payload: Uint8Array, group?: string): void {
    const limit = group === undefined ? undefined : this.#limits.of(group);
    const position = limit && this.#history.append(topic, payload, limit);
    if (this.#pending.length === 0) setImmediate(this.#flush);
    this.#pending.push({ topic, payload, position });
  }

  read(topic: string, query: HistoryQuery, group: string): StoredHistory {
    return this.#history.read(topic, query, this.#limits.of(group));
  }

  subscribe(topic: string, subscriber: Subscriber): void {
    const from = this.#first + this.#pending.length;
    const subscribers = this.#subscribers.get(topic);
    if (subscribers === undefined) this.#subscribers.set(topic, new Map([[subscriber, from]]));
    else subscribers.set(subscriber, from);
  }

  unsubscribe(topic: string, subscriber: Subscriber): void {
    const subscribers = this.#subscribers.get(topic);
    if (subscribers?.delete(subscriber) && subscribers.size === 0) this.#subscribers.delete(topic);
  }

  /** Bound to the bus's async context, because one flush delivers the payloads of all publishers. */
  readonly #flush = AsyncResource.bind((): void => {
    const pending = this.#pending;
    let number = this.#first;
    this.#pending = [];
    this.#first += pending.length;
    for (const { topic, payload, position } of pending) {
      for (const [subscriber, from] of this.#subscribers.get(topic) ?? []) {
        if (from <= number) subscriber(topic, payload, position);
      }
      number += 1;
    }
  });
}
