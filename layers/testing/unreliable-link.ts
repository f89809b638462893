import type { BackendListener } from "../backend.ts";
import type { Position } from "../message.ts";
import { randomFrom } from "./random.ts";

/** The faults of an unreliable backend. All values but `seed` are shares of the payloads, from 0 to 1. */
export interface Faults {
  /** With the same seed, the same payloads get the same faults. */
  readonly seed: number;
  /** Share of payloads that never arrive. @default 0 */
  readonly drop?: number;
  /** Share of payloads that arrive 1 to 8 turns of the event loop late, in order per topic. @default 0 */
  readonly delay?: number;
  /** Share of payloads that arrive twice. @default 0 */
  readonly duplicate?: number;
  /** Share of payloads that arrive after the topic's next one, or 8 turns late if none follows. @default 0 */
  readonly reorder?: number;
}

interface Held {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly position: Position | undefined;
  /** The number of the turn of the event loop in which the payload is due. */
  due: number;
  readonly overtakable: boolean;
}

const longestDelayTurns = 8;

export class UnreliableLink implements BackendListener {
  readonly #listener: BackendListener;
  readonly #faults: Required<Faults>;
  readonly #random: () => number;
  #held: Held[] = [];
  #turn = 0;
  #timer: NodeJS.Immediate | undefined;

  constructor(listener: BackendListener, { drop = 0, delay = 0, duplicate = 0, reorder = 0, seed }: Faults) {
    this.#listener = listener;
    this.#faults = { seed, drop, delay, duplicate, reorder };
    this.#random = randomFrom(seed);
  }

  /** The number of undelivered payloads, here and in the listener. */
  get waiting(): number {
    return this.#held.length + (this.#listener.waiting ?? 0);
  }

  payload(topic: string, payload: Uint8Array, position?: Position): void {
    const { drop, delay, duplicate, reorder } = this.#faults;
    // Always draws five numbers, so that a fault does not change the faults of later payloads.
    const [drops, delays, lateness, duplicates, reorders] = [
      this.#random() < drop,
      this.#random() < delay,
      1 + Math.floor(this.#random() * longestDelayTurns),
      this.#random() < duplicate,
      this.#random() < reorder,
    ];
    if (drops) return;
    const late = delays ? lateness : 0;
    const due = this.#turn + (reorders ? longestDelayTurns : late);
    const item: Held = { topic, payload, position, due, overtakable: reorders };
    this.#hold(item);
    if (duplicates) this.#hold({ ...item, overtakable: false });
    this.#release();
  }

  gap(topic: string, range?: { readonly from?: number; readonly to?: number }): void {
    this.#listener.gap(topic, range);
  }

  error(error: Error): void {
    this.#listener.error(error);
  }

  /** Discards the held payloads of `topic`, or of all topics if `topic` is undefined. */
  forget(topic?: string): void {
    this.#held = topic === undefined ? [] : this.#held.filter((held) => held.topic !== topic);
    if (this.#held.length > 0 || this.#timer === undefined) return;
    clearImmediate(this.#timer);
    this.#timer = undefined;
  }

  /** If a payload of the topic waits to be overtaken, inserts `item` before it. Otherwise, appends `item`. */
  #hold(item: Held): void {
    const index = this.#held.findIndex(({ topic, overtakable }) => overtakable && topic === item.topic);
    const overtaken = this.#held[index];
    if (overtaken === undefined || item.overtakable) {
      this.#held.push(item);
      return;
    }
    overtaken.due = item.due;
    this.#held.splice(index, 1, item, { ...overtaken, overtakable: false });
  }

  /** Delivers the due payloads. A payload that is not due holds back later payloads of its topic. */
  #release(): void {
    const waiting = new Set<string>();
    const due: Held[] = [];
    this.#held = this.#held.filter((held) => {
      if (held.due > this.#turn || waiting.has(held.topic)) {
        waiting.add(held.topic);
        return true;
      }
      due.push(held);
      return false;
    });
    for (const { topic, payload, position } of due) this.#listener.payload(topic, payload, position);
    if (this.#held.length > 0) this.#timer ??= setImmediate(this.#next);
  }

  readonly #next = (): void => {
    this.#timer = undefined;
    this.#turn += 1;
    this.#release();
  };
}
