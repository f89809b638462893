import { randomBytes } from "node:crypto";
import type { HistoryQuery, StoredHistory } from "../backend.ts";
import type { HistoryLimit } from "../history-limits.ts";
import type { Position } from "../message.ts";
import { TopicLog } from "./topic-log.ts";

interface Kept {
  readonly log: TopicLog;
  readonly usedAt: number;
}

/**
 * The newest payloads of each topic, until nothing has come for as long as its limit says. The limit of a topic is
 * always the same.
 *
 * No timer is needed for what nobody asks for: it goes when something else is used, in a time that does not depend on
 * how many topics there are.
 */
export class MemoryHistory {
  /** By how long they stay, then by topic: what was used last is last, so that only the first can have expired. */
  readonly #logs = new Map<number, Map<string, Kept>>();
  readonly #now: () => number;
  readonly #epochs = randomBytes(9).toString("hex");
  #lastEpoch = 0;
  /** Nothing can expire before. To look at the first of a map costs the more the more have left their place before it. */
  #dueAt = 0;

  /** @param now a clock in milliseconds that never runs backwards. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many topics something is kept of. */
  get size(): number {
    let size = 0;
    for (const logs of this.#logs.values()) size += logs.size;
    return size;
  }

  append(topic: string, payload: Uint8Array, { capacity, expiryMs }: HistoryLimit): Position {
    this.#expire();
    const logs = this.#logs.get(expiryMs) ?? new Map<string, Kept>();
    const log = logs.get(topic)?.log ?? this.#newLog(capacity);
    logs.delete(topic);
    const usedAt = this.#now();
    logs.set(topic, { log, usedAt });
    this.#dueAt = Math.min(this.#dueAt, usedAt + expiryMs);
    this.#logs.set(expiryMs, logs);
    return log.append(payload);
  }

  read(topic: string, query: HistoryQuery, { expiryMs }: HistoryLimit): StoredHistory {
    this.#expire();
    const log = this.#logs.get(expiryMs)?.get(topic)?.log;
    return log?.read(query) ?? { entries: [], position: undefined, complete: query.since === undefined };
  }

  #newLog(capacity: number): TopicLog {
    this.#lastEpoch += 1;
    return new TopicLog(`${this.#epochs}.${this.#lastEpoch.toString(36)}`, capacity);
  }

  #expire(): void {
    const now = this.#now();
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
