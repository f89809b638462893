import { randomBytes } from "node:crypto";
import type { HistoryQuery, StoredHistory } from "../backend.ts";
import type { HistoryLimit } from "../history-limits.ts";
import type { Position } from "../message.ts";

/** Stores the newest payloads of each topic. Every call removes the expired topics, so no timer is needed. */
export class MemoryHistory {
  /** Logs by `expiryMs` and topic, ordered by their last payloads. A topic's `expiryMs` never changes. */
  readonly #logs = new Map<number, Map<string, TopicLog>>();
  readonly #now: () => number;
  readonly #epochs = randomBytes(9).toString("hex");
  #lastEpoch = 0;
  /** No topic expires before this time. Checked first, because maps are slow to read after many deletions. */
  #dueAt = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    let size = 0;
    for (const logs of this.#logs.values()) size += logs.size;
    return size;
  }

  append(topic: string, payload: Uint8Array, { capacity, expiryMs }: HistoryLimit): Position {
    const now = this.#now();
    this.#expire(now);
    const logs = this.#logs.get(expiryMs) ?? new Map<string, TopicLog>();
    this.#logs.set(expiryMs, logs);
    const log = logs.get(topic) ?? this.#newLog(capacity);
    logs.delete(topic);
    logs.set(topic, log);
    log.usedAt = now;
    this.#dueAt = Math.min(this.#dueAt, now + expiryMs);
    return log.append(payload);
  }

  read(topic: string, query: HistoryQuery, { expiryMs }: HistoryLimit): StoredHistory {
    this.#expire(this.#now());
    const log = this.#logs.get(expiryMs)?.get(topic);
    return log?.read(query) ?? { entries: [], position: undefined, complete: query.since === undefined };
  }

  #newLog(capacity: number): TopicLog {
    this.#lastEpoch += 1;
    return new TopicLog(`${this.#epochs}.${this.#lastEpoch.toString(36)}`, capacity);
  }

  #expire(now: number): void {
    if (now < this.#dueAt) return;
    this.#dueAt = Number.POSITIVE_INFINITY;
    for (const [expiryMs, logs] of this.#logs) {
      for (const [topic, { usedAt }] of logs) {
        const dueAt = usedAt + expiryMs;
        if (now < dueAt) {
          this.#dueAt = Math.min(this.#dueAt, dueAt);
          break;
        }
        logs.delete(topic);
      }
    }
  }
}

/** One topic's newest payloads, numbered from 1. */
class TopicLog {
  usedAt = 0;
  readonly #epoch: string;
  readonly #capacity: number;
  readonly #payloads: Uint8Array[] = [];
  #offset = 0;

  constructor(epoch: string, capacity: number) {
    this.#epoch = epoch;
    this.#capacity = capacity;
  }

  append(payload: Uint8Array): Position {
    this.#offset += 1;
    this.#payloads.push(payload);
    if (this.#payloads.length > this.#capacity) this.#payloads.shift();
    return this.#position(this.#offset);
  }

  read({ limit, since }: HistoryQuery): StoredHistory {
    const after = typeof since === "number" ? since : (since?.offset ?? 0);
    const isOther = typeof since === "object" && since.epoch !== this.#epoch;
    const isKnown = !isOther && after <= this.#offset;
    const first = this.#offset - this.#payloads.length + 1;
    const from = Math.max(first, this.#offset - limit + 1, isKnown ? after + 1 : 1);
    return {
      entries: this.#payloads
        .slice(from - first)
        .map((payload, index) => ({ payload, position: this.#position(from + index) })),
      position: this.#position(this.#offset),
      complete: since === undefined || (isKnown && from === after + 1),
    };
  }

  #position(offset: number): Position {
    return { offset, epoch: this.#epoch };
  }
}
