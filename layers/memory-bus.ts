import { randomBytes } from "node:crypto";
import type { HistoryQuery, Position, StoredHistory } from "./contract.ts";
import { MemoryQueues } from "./memory-queues.ts";
import { TopicLog } from "./topic-log.ts";

/** Where a payload goes: one subscriber of a {@link MemoryBus}. */
export type Subscriber = (topic: string, payload: Uint8Array, position?: Position) => void;

/** How much history a {@link MemoryBus} keeps. */
export interface MemoryBusOptions {
  /** How many messages the history of a group keeps. @default 100 */
  readonly capacity?: number;
  /** How long a history stays after the last message to its group, in milliseconds. @default 60000 */
  readonly expiryMs?: number;
}

interface Pending {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly position: Position | undefined;
}

/**
 * What the memory layers of one process share: nodes on the same bus reach each other.
 *
 * A payload is never delivered while it is published, nor in a microtask of the same turn, but in the check phase of
 * the event loop, with all that the turn published, in order. So two actors that answer each other without end leave
 * room for sockets and timers, as they would with a network in between. As on a server, a subscriber gets what is
 * published after it subscribed, even if what came before is still on its way.
 */
export class MemoryBus {
  /** By topic, each subscriber with the number of the first payload that is for it. */
  readonly #subscribers = new Map<string, Map<Subscriber, number>>();
  readonly queues = new MemoryQueues();
  /** By topic; the one that was used last is the last. */
  readonly #logs = new Map<string, { readonly log: TopicLog; readonly usedAt: number }>();
  readonly #capacity: number;
  readonly #expiryMs: number;
  readonly #epochs = randomBytes(9).toString("hex");
  #lastEpoch = 0;
  #pending: Pending[] = [];
  /** The number of the first payload that is pending. */
  #first = 0;

  constructor({ capacity = 100, expiryMs = 60_000 }: MemoryBusOptions = {}) {
    this.#capacity = capacity;
    this.#expiryMs = expiryMs;
  }

  publish(topic: string, payload: Uint8Array): void {
    this.#enqueue({ topic, payload, position: undefined });
  }

  /** As {@link publish}, and keeps it for {@link read}. */
  record(topic: string, payload: Uint8Array): void {
    this.#expire();
    const log = this.#logs.get(topic)?.log ?? this.#newLog();
    this.#logs.delete(topic);
    this.#logs.set(topic, { log, usedAt: performance.now() });
    this.#enqueue({ topic, payload, position: log.append(payload) });
  }

  read(topic: string, query: HistoryQuery): StoredHistory {
    this.#expire();
    const log = this.#logs.get(topic)?.log;
    return log?.read(query) ?? { entries: [], position: undefined, complete: query.since === undefined };
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

  #enqueue(pending: Pending): void {
    if (this.#pending.length === 0) setImmediate(() => this.#flush());
    this.#pending.push(pending);
  }

  #newLog(): TopicLog {
    this.#lastEpoch += 1;
    return new TopicLog(`${this.#epochs}.${this.#lastEpoch.toString(36)}`, this.#capacity);
  }

  /** No timer is needed for what nobody asks for: it goes when something else is used. */
  #expire(): void {
    const expired = performance.now() - this.#expiryMs;
    for (const [topic, { usedAt }] of this.#logs) {
      if (usedAt > expired) return;
      this.#logs.delete(topic);
    }
  }

  #flush(): void {
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
  }
}
