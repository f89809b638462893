import type { BackendListener, HistoryQuery, StoredHistory } from "../backend.ts";
import { type HistoryLimitOptions, HistoryLimits } from "../history-limits.ts";
import type { Position } from "../message.ts";
import { MemoryHistory } from "./memory-history.ts";
import { MemoryQueues } from "./memory-queues.ts";

export type Subscriber = (topic: string, payload: Uint8Array, position?: Position) => void;

/** The history limits of a {@link MemoryBus}. All nodes on the bus use these limits. */
export type MemoryBusOptions = HistoryLimitOptions;

/** A node, with the payloads that it has received and not delivered yet. */
type Node = Pick<BackendListener, "drained" | "waiting">;

/**
 * Connects memory layers within one process: nodes on the same bus reach each other. A node receives a payload
 * at once, and delivers it in the check phase of the event loop, so that sockets and timers are handled even if
 * two actors answer each other endlessly.
 */
export class MemoryBus {
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  readonly queues = new MemoryQueues();
  /** The open nodes. Payloads that wait in them count as in flight. */
  readonly nodes = new Set<Node>();
  readonly #history = new MemoryHistory(() => performance.now());
  readonly #limits: HistoryLimits;

  /** @throws {InvalidOptionError} for an invalid capacity or expiry. */
  constructor(options: MemoryBusOptions = {}) {
    this.#limits = new HistoryLimits(options);
  }

  get inFlight(): number {
    let count = 0;
    for (const { waiting = 0 } of this.nodes) count += waiting;
    return count;
  }

  /** @param group the group whose history stores the payload. If undefined, the payload is not stored. */
  publish(topic: string, payload: Uint8Array, group?: string): void {
    const limit = group === undefined ? undefined : this.#limits.of(group);
    const position = limit && this.#history.append(topic, payload, limit);
    for (const subscriber of this.#subscribers.get(topic) ?? []) subscriber(topic, payload, position);
  }

  /** Resolves once no node has too many waiting payloads of `topic`. Undefined if that is the case now. */
  drained(topic: string): Promise<unknown> | undefined {
    const draining = [...this.nodes].flatMap((node) => node.drained?.(topic) ?? []);
    return draining.length === 0 ? undefined : Promise.all(draining);
  }

  read(topic: string, query: HistoryQuery, group: string): StoredHistory {
    return this.#history.read(topic, query, this.#limits.of(group));
  }

  subscribe(topic: string, subscriber: Subscriber): void {
    const subscribers = this.#subscribers.get(topic);
    if (subscribers === undefined) this.#subscribers.set(topic, new Set([subscriber]));
    else subscribers.add(subscriber);
  }

  unsubscribe(topic: string, subscriber: Subscriber): void {
    const subscribers = this.#subscribers.get(topic);
    if (subscribers?.delete(subscriber) && subscribers.size === 0) this.#subscribers.delete(topic);
  }
}
