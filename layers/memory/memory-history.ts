import { randomBytes } from "node:crypto";
import type { HistoryQuery, StoredHistory } from "../backend.ts";
import { maxDelayMs } from "../check-integer.ts";
import { type Clock, unref } from "../clock.ts";
import type { HistoryLimit } from "../history-limits.ts";
import type { Position } from "../message.ts";

/** The bytes that a log occupies besides its payloads, and a payload besides its content. */
const logBytes = 1_024;
const payloadBytes = 256;

/** The shortest pause between two removals of expired logs. */
const minSweepMs = 1_000;

/**
 * Stores the newest payloads of each topic. All topics together occupy at most `maxBytes`: beyond it, the
 * oldest payloads of the topics with the longest time since their last payload are removed. A timer removes
 * expired topics.
 */
export class MemoryHistory {
  /** Ordered by their last payloads, oldest first. */
  readonly #logs = new Map<string, TopicLog>();
  readonly #maxBytes: number;
  readonly #clock: Clock;
  readonly #epochs = randomBytes(9).toString("hex");
  #lastEpoch = 0;
  #bytes = 0;
  #timer: unknown;
  /** The time of the next removal of expired logs, in milliseconds of the clock. */
  #sweepAt = Number.POSITIVE_INFINITY;

  /** @param maxBytes must be enough for the largest payload. */
  constructor(maxBytes: number, clock: Clock) {
    this.#maxBytes = maxBytes;
    this.#clock = clock;
  }

  /** The number of topics. */
  get size(): number {
    return this.#logs.size;
  }

  /** An estimate of the memory in use. */
  get bytes(): number {
    return this.#bytes;
  }

  append(topic: string, payload: Uint8Array, { capacity, expiryMs }: HistoryLimit): Position {
    const now = this.#now();
    const log = this.#find(topic, now) ?? this.#newLog(capacity);
    this.#logs.delete(topic);
    this.#logs.set(topic, log);
    log.expiresAt = now + expiryMs;
    // A copy, because the payload may be a view of a larger buffer, which would stay in memory.
    this.#bytes += log.append(new Uint8Array(payload));
    if (this.#bytes > this.#maxBytes) this.#shrink();
    this.#sweepBy(log.expiresAt, now);
    return log.position;
  }

  read(topic: string, query: HistoryQuery): StoredHistory {
    const log = this.#find(topic, this.#now());
    return log?.read(query) ?? { entries: [], position: undefined, complete: query.since === undefined };
  }

  /** The position of the newest payload. Undefined if `topic` has no log. */
  position(topic: string): Position | undefined {
    return this.#find(topic, this.#now())?.position;
  }

  /** Removes expired logs, and starts the timer again after {@link stop}. */
  start(): void {
    if (this.#sweepAt === Number.POSITIVE_INFINITY) this.#sweep();
  }

  /** Stops the timer until the next payload, or until {@link start}. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#sweepAt = Number.POSITIVE_INFINITY;
  }

  #now(): number {
    return this.#clock.now?.() ?? performance.now();
  }

  #find(topic: string, now: number): TopicLog | undefined {
    const log = this.#logs.get(topic);
    if (log === undefined || now < log.expiresAt) return log;
    this.#remove(topic, log);
    return undefined;
  }

  #newLog(capacity: number): TopicLog {
    this.#lastEpoch += 1;
    this.#bytes += logBytes;
    return new TopicLog(`${this.#epochs}.${this.#lastEpoch.toString(36)}`, capacity);
  }

  #remove(topic: string, log: TopicLog): void {
    this.#logs.delete(topic);
    this.#bytes -= logBytes + log.trim();
  }

  /** Frees an eighth of the budget at a time, because the start of a map is slow to read after deletions. */
  #shrink(): void {
    const target = this.#maxBytes * 0.875;
    for (const [topic, log] of this.#logs) {
      if (this.#bytes <= target) return;
      this.#bytes -= log.trim(this.#bytes - target);
      if (log.isEmpty) this.#remove(topic, log);
    }
  }

  #sweepBy(time: number, now: number): void {
    if (this.#sweepAt <= time) return;
    this.#clock.clearTimeout(this.#timer);
    const delayMs = Math.min(Math.max(time - now, minSweepMs), maxDelayMs);
    this.#sweepAt = now + delayMs;
    this.#timer = this.#clock.setTimeout(() => this.#sweep(), delayMs);
    // The timer alone must not keep a process alive.
    unref(this.#timer);
  }

  #sweep(): void {
    this.#sweepAt = Number.POSITIVE_INFINITY;
    const now = this.#now();
    let next = Number.POSITIVE_INFINITY;
    for (const [topic, log] of this.#logs) {
      if (log.expiresAt <= now) this.#remove(topic, log);
      else next = Math.min(next, log.expiresAt);
    }
    if (this.#logs.size > 0) this.#sweepBy(next, now);
  }
}

/** One topic's newest payloads, numbered from 1. */
class TopicLog {
  expiresAt = 0;
  readonly #epoch: string;
  readonly #capacity: number;
  /** The slots before `#start` are empty. */
  readonly #payloads: (Uint8Array | undefined)[] = [];
  #start = 0;
  #offset = 0;

  constructor(epoch: string, capacity: number) {
    this.#epoch = epoch;
    this.#capacity = capacity;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** The position of the newest payload. */
  get position(): Position {
    return this.#positionOf(this.#offset);
  }

  /** @returns the bytes by which the log has grown, which may be negative. */
  append(payload: Uint8Array): number {
    this.#offset += 1;
    this.#payloads.push(payload);
    return sizeOf(payload) - (this.#size > this.#capacity ? this.#removeOldest() : 0);
  }

  /** Removes the oldest payloads until `bytes` are free or no payload is left. @returns the freed bytes */
  trim(bytes = Number.POSITIVE_INFINITY): number {
    let freed = 0;
    while (freed < bytes && !this.isEmpty) freed += this.#removeOldest();
    return freed;
  }

  read({ limit, since }: HistoryQuery): StoredHistory {
    const after = typeof since === "number" ? since : (since?.offset ?? 0);
    const isOther = typeof since === "object" && since.epoch !== this.#epoch;
    const isKnown = !isOther && after <= this.#offset;
    const first = this.#offset - this.#size + 1;
    const from = Math.max(first, this.#offset - limit + 1, isKnown ? after + 1 : 1);
    return {
      entries: this.#payloads.slice(this.#start + from - first).map((payload, index) => ({
        payload: payload as Uint8Array,
        position: this.#positionOf(from + index),
      })),
      position: this.position,
      complete: since === undefined || (isKnown && from === after + 1),
    };
  }

  get #size(): number {
    return this.#payloads.length - this.#start;
  }

  /** Takes amortised constant time, because empty slots leave the array together. @returns the freed bytes */
  #removeOldest(): number {
    const bytes = sizeOf(this.#payloads[this.#start] as Uint8Array);
    // Without this, the removed payloads would stay in memory, although they no longer count.
    this.#payloads[this.#start] = undefined;
    this.#start += 1;
    if (this.#start * 2 >= this.#payloads.length) {
      this.#payloads.splice(0, this.#start);
      this.#start = 0;
    }
    return bytes;
  }

  #positionOf(offset: number): Position {
    return { offset, epoch: this.#epoch };
  }
}

function sizeOf(payload: Uint8Array): number {
  return payloadBytes + payload.length;
}
