import type { BackendListener, HistoryQuery, StoredHistory } from "../backend.ts";
import { checkInteger } from "../check-integer.ts";
import type { Clock } from "../clock.ts";
import { type HistoryLimitOptions, HistoryLimits } from "../history-limits.ts";
import type { Position } from "../message.ts";
import { MemoryHistory } from "./memory-history.ts";
import { MemoryQueues } from "./memory-queues.ts";
import { MemoryStateStore } from "./memory-state.ts";

export type Subscriber = (topic: string, payload: Uint8Array, position?: Position) => void;

/** The limits of the histories and queues of a {@link MemoryBus}. All nodes on the bus use these limits. */
export interface MemoryBusOptions extends HistoryLimitOptions {
  /**
   * The memory for the histories of all groups, in bytes: at least 2 MiB. Beyond it, the oldest messages of
   * the groups that were silent for longest are removed. Each message counts as its encoded size plus 256
   * bytes, and each history as 1,024 bytes.
   * @default 67_108_864
   */
  readonly maxHistoryBytes?: number;
  /**
   * The memory for the messages of all named channels, in bytes: at least 2 MiB. Each message counts as its encoded
   * size plus 256 bytes. Beyond it, `send` rejects with `QueueFullError`. Dead letters count, and are never refused.
   * @default 134_217_728
   */
  readonly maxQueueBytes?: number;
  /**
   * The timers that remove expired histories, and the time of named actors, for specs that control time.
   * @default the timers of Node
   */
  readonly clock?: Clock;
}

/** Seven eighths of it hold the largest message, even encrypted, so the newest message is never removed. */
const minBytes = 2 * 1024 * 1024;

/** A node, with the payloads that it has received and not delivered yet. */
type Node = Pick<BackendListener, "drained" | "waiting">;

/**
 * Connects memory layers within one process: nodes on the same bus reach each other. A node receives a payload
 * at once, and delivers it in the check phase of the event loop, so that sockets and timers are handled even if
 * two actors answer each other endlessly.
 */
export class MemoryBus {
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  /** The named channels of all layers on the bus. */
  readonly queues: MemoryQueues;
  /** The open nodes. Payloads that wait in them count as in flight. */
  readonly #nodes = new Set<Node>();
  /** The prefixes of the layers whose groups have histories. */
  readonly #keepers = new Set<string>();
  /** The secrets of layers, by prefix. */
  readonly #secrets = new Map<string, Uint8Array>();
  /** The named actors of layers, by prefix. */
  readonly #states = new Map<string, MemoryStateStore>();
  readonly #clock: Clock;
  readonly #history: MemoryHistory;
  readonly #limits: HistoryLimits;

  /** @throws {InvalidOptionError} for an invalid capacity, expiry or number of bytes. */
  constructor({
    maxHistoryBytes = 64 * 1024 * 1024,
    maxQueueBytes = 128 * 1024 * 1024,
    clock = globalThis,
    ...limits
  }: MemoryBusOptions = {}) {
    checkInteger("maxHistoryBytes", maxHistoryBytes, { min: minBytes });
    checkInteger("maxQueueBytes", maxQueueBytes, { min: minBytes });
    this.queues = new MemoryQueues(maxQueueBytes);
    this.#limits = new HistoryLimits(limits);
    this.#clock = clock;
    this.#history = new MemoryHistory(maxHistoryBytes, clock);
  }

  /** The number of payloads that wait on all nodes of the bus. */
  get inFlight(): number {
    let count = 0;
    for (const { waiting = 0 } of this.#nodes) count += waiting;
    return count;
  }

  /** Adds a node. Expired histories are removed from now on. */
  join(node: Node): void {
    this.#nodes.add(node);
    this.#history.start();
  }

  /** Removes a node. Without nodes, no timer runs. */
  leave(node: Node): void {
    this.#nodes.delete(node);
    if (this.#nodes.size === 0) this.#history.stop();
  }

  /** Keeps the histories of all groups of the layers with `prefix`, from now on. */
  keepHistory(prefix: string): void {
    this.#keepers.add(prefix);
  }

  /** Whether {@link keepHistory} was called with `prefix`. */
  keepsHistory(prefix: string): boolean {
    return this.#keepers.has(prefix);
  }

  /**
   * Passes the payload to the subscribers of `topic`, at once and in the order in which they subscribed.
   *
   * @param group the group whose history stores the payload. If undefined, the payload is not stored.
   */
  publish(topic: string, payload: Uint8Array, group?: string): void {
    const limit = group === undefined ? undefined : this.#limits.of(group);
    const position = limit && this.#history.append(topic, payload, limit);
    for (const subscriber of this.#subscribers.get(topic) ?? []) subscriber(topic, payload, position);
  }

  /** Resolves once no node has too many waiting payloads of `topic`. Undefined if that is the case now. */
  drained(topic: string): Promise<unknown> | undefined {
    const draining = [...this.#nodes].flatMap((node) => node.drained?.(topic) ?? []);
    return draining.length === 0 ? undefined : Promise.all(draining);
  }

  /** The position of the newest payload in the history of `topic`. Undefined if it has no history. */
  position(topic: string): Position | undefined {
    return this.#history.position(topic);
  }

  /** Returns the secret of the layers with `prefix`. If there is none yet, `candidate` becomes the secret. */
  secret(prefix: string, candidate: Uint8Array): Uint8Array {
    const secret = this.#secrets.get(prefix) ?? candidate;
    this.#secrets.set(prefix, secret);
    return secret;
  }

  /** The named actors of the layers with `prefix`. */
  state(prefix: string): MemoryStateStore {
    const state = this.#states.get(prefix) ?? new MemoryStateStore(this.#clock);
    this.#states.set(prefix, state);
    return state;
  }

  /** Reads the history of `topic`. */
  read(topic: string, query: HistoryQuery): StoredHistory {
    return this.#history.read(topic, query);
  }

  /** Passes the payloads of `topic` to `subscriber` from now on. */
  subscribe(topic: string, subscriber: Subscriber): void {
    const subscribers = this.#subscribers.get(topic);
    if (subscribers === undefined) this.#subscribers.set(topic, new Set([subscriber]));
    else subscribers.add(subscriber);
  }

  /** Passes no more payloads of `topic` to `subscriber`. Does nothing if it is not subscribed. */
  unsubscribe(topic: string, subscriber: Subscriber): void {
    const subscribers = this.#subscribers.get(topic);
    if (subscribers?.delete(subscriber) && subscribers.size === 0) this.#subscribers.delete(topic);
  }
}
