import type { HistoryQuery, StoredHistory } from "../backend.ts";
import type { Position } from "../message.ts";

/** One topic's newest payloads, numbered from 1. */
export class TopicLog {
  readonly epoch: string;
  readonly #capacity: number;
  readonly #payloads: Uint8Array[] = [];
  #offset = 0;

  constructor(epoch: string, capacity: number) {
    this.epoch = epoch;
    this.#capacity = capacity;
  }

  append(payload: Uint8Array): Position {
    this.#offset += 1;
    this.#payloads.push(payload);
    if (this.#payloads.length > this.#capacity) this.#payloads.shift();
    return { offset: this.#offset, epoch: this.epoch };
  }

  read({ limit, since }: HistoryQuery): StoredHistory {
    const after = typeof since === "number" ? since : (since?.offset ?? 0);
    const isOther = typeof since === "object" && since.epoch !== this.epoch;
    const isKnown = !isOther && after <= this.#offset;
    const first = this.#offset - this.#payloads.length + 1;
    const from = Math.max(first, this.#offset - limit + 1, isKnown ? after + 1 : 1);
    const entries = this.#payloads
      .slice(from - first)
      .map((payload, index) => ({ payload, position: { offset: from + index, epoch: this.epoch } }));
    return {
      entries,
      position: { offset: this.#offset, epoch: this.epoch },
      complete: since === undefined || (isKnown && from === after + 1),
    };
  }
}
