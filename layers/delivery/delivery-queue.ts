import type { LayerMeter, LayerMetrics } from "../counters.ts";
import { Deferred } from "../deferred.ts";
import { Fifo } from "../fifo.ts";
import { type Budget, type Lane, type Task, unlimited } from "../scheduling/lane.ts";

/** Payloads or a gap for inboxes of this node. */
export interface PendingDelivery {
  readonly count: number;
  readonly bytes: number;
  /** The value of `performance.now()` when the delivery was added. Set only for a meter. */
  arrivedAt: number | undefined;
  /** Delivers while `budget` has time. MUST NOT throw. @returns whether everything is delivered. */
  deliver(budget: Budget): boolean;
}

/** Beyond these limits, deliveries do not pause. A backend that waits for {@link Backlog.room} never exceeds them. */
const limits = { count: 10_000, bytes: 16 * 1024 * 1024 };
/** The backlog has no room beyond half of these limits, until it is down to a quarter of them. */
const roomShare = 0.5;
/** On a memory layer, sends to a group wait while more than this many of its payloads wait for delivery. */
const highWaterMark = 256;

/** The waiting deliveries of a node, in all its queues. */
export class Backlog {
  readonly #lane: () => Lane;
  readonly #metrics: Pick<LayerMetrics, "meter">;
  readonly #queues = new Set<DeliveryQueue>();
  #size = 0;
  #bytes = 0;
  #isClosed = false;
  #room: Deferred | undefined;

  /** @param lane returns the lane that runs the queues. */
  constructor(lane: () => Lane, metrics: Pick<LayerMetrics, "meter">) {
    this.#lane = lane;
    this.#metrics = metrics;
  }

  /** The number of payloads and gaps not yet delivered to all recipients. */
  get size(): number {
    return this.#size;
  }

  /** Whether deliveries must not pause, because too many wait or the layer closes. */
  get isUrgent(): boolean {
    return this.#isClosed || !this.#isWithin(1);
  }

  /** Resolves once this backlog has room for more. Undefined if it has room now. */
  get room(): Promise<void> | undefined {
    if (this.#isClosed || this.#isWithin(roomShare)) return undefined;
    this.#room ??= new Deferred();
    return this.#room.promise;
  }

  get meter(): LayerMeter | undefined {
    return this.#metrics.meter;
  }

  grow(count: number, bytes: number): void {
    this.#size += count;
    this.#bytes += bytes;
    if (this.#room === undefined || !this.#isWithin(roomShare / 2)) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  schedule(queue: DeliveryQueue): void {
    this.#queues.add(queue);
    this.#lane().add(queue);
  }

  delete(queue: DeliveryQueue): void {
    this.#queues.delete(queue);
  }

  /** Runs all queues to their ends. Inboxes are removed before, so direct sends are dropped and counted. */
  close(): void {
    this.#isClosed = true;
    for (const queue of this.#queues) queue.run(unlimited);
  }

  /** Whether at most a share of the limits waits. */
  #isWithin(share: number): boolean {
    return this.#size <= share * limits.count && this.#bytes <= share * limits.bytes;
  }
}

/** The deliveries to one group, or to single channels, in the order of arrival. */
export class DeliveryQueue implements Task {
  readonly #backlog: Backlog;
  readonly #waiting = new Fifo<PendingDelivery>();
  #size = 0;
  #isScheduled = false;
  #isRunning = false;
  #drained: Deferred | undefined;

  constructor(backlog: Backlog) {
    this.#backlog = backlog;
  }

  get last(): PendingDelivery | undefined {
    return this.#waiting.last;
  }

  /** Resolves once at most 256 payloads wait. Undefined if that is the case now. */
  get drained(): Promise<void> | undefined {
    if (this.#size <= highWaterMark) return undefined;
    this.#drained ??= new Deferred();
    return this.#drained.promise;
  }

  add(delivery: PendingDelivery): void {
    this.#waiting.push(delivery);
    if (this.#backlog.meter !== undefined) delivery.arrivedAt = performance.now();
    this.grow(delivery.count, delivery.bytes);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#backlog.schedule(this);
  }

  /** Called when the last delivery has become larger. */
  grow(count: number, bytes: number): void {
    this.#size += count;
    this.#backlog.grow(count, bytes);
  }

  run(budget: Budget): boolean {
    // An inbox may close the layer during a delivery. The loop that is already running finishes.
    if (this.#isRunning) return false;
    this.#isRunning = true;
    try {
      while (this.#waiting.size > 0 && (budget.hasTime || this.#backlog.isUrgent)) this.#deliverFirst(budget);
    } finally {
      this.#isRunning = false;
    }
    if (this.#waiting.size > 0) return false;
    this.#isScheduled = false;
    this.#backlog.delete(this);
    return true;
  }

  #deliverFirst(budget: Budget): void {
    const first = this.#waiting.first as PendingDelivery;
    if (!first.deliver(this.#backlog.isUrgent ? unlimited : budget)) return;
    this.#waiting.shift();
    if (first.arrivedAt !== undefined)
      this.#backlog.meter?.delivered(performance.now() - first.arrivedAt, first.count);
    this.grow(-first.count, -first.bytes);
    if (this.#size > highWaterMark) return;
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}
