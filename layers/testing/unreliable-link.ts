import type { BackendListener } from "../backend.ts";
import type { Position } from "../message.ts";
import { randomFrom } from "./random.ts";

/** How badly payloads are treated on their way to a node: each a share of them, from 0 to 1. */
export interface Faults {
  /** The same seed gives the same faults to the same payloads. */
  readonly seed: number;
  /** Never arrive. @default 0 */
  readonly drop?: number;
  /** Arrive 1 to 8 turns of the event loop late; those behind them on their topic wait, too. @default 0 */
  readonly delay?: number;
  /** Arrive twice. @default 0 */
  readonly duplicate?: number;
  /** Are overtaken by the next one on their topic, or arrive 8 turns late where none comes. @default 0 */
  readonly reorder?: number;
}

interface Held {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly position: Position | undefined;
  /** The turn in which it is to arrive. */
  due: number;
  readonly overtakable: boolean;
}

const longestDelayTurns = 8;

/** What one node receives over, and what goes wrong on it. */
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

  /** How many payloads are kept back, here or behind it. */
  get waiting(): number {
    return this.#held.length + (this.#listener.waiting ?? 0);
  }

  payload(topic: string, payload: Uint8Array, position?: Position): void {
    const { drop, delay, duplicate, reorder } = this.#faults;
    // Always as many numbers for each payload, so that one that is treated otherwise changes nothing for the next.
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
    this.#put(item);
    if (duplicates) this.#put({ ...item, overtakable: false });
    this.#release();
  }

  gap(topic: string, range?: { readonly from?: number; readonly to?: number }): void {
    this.#listener.gap(topic, range);
  }

  error(error: Error): void {
    this.#listener.error(error);
  }

  /** Forgets what is kept back for `topic`, which the node receives no more; without one, for all of them. */
  forget(topic?: string): void {
    this.#held = topic === undefined ? [] : this.#held.filter((held) => held.topic !== topic);
    if (this.#held.length > 0 || this.#timer === undefined) return;
    clearImmediate(this.#timer);
    this.#timer = undefined;
  }

  /** Puts it behind those of its topic: before one that may be overtaken, which has waited for that. */
  #put(item: Held): void {
    const index = this.#held.findIndex(({ topic, overtakable }) => overtakable && topic === item.topic);
    const overtaken = this.#held[index];
    if (overtaken === undefined || item.overtakable) {
      this.#held.push(item);
      return;
    }
    overtaken.due = item.due;
    this.#held.splice(index, 1, item, { ...overtaken, overtakable: false });
  }

  /** Hands over all that is due and has nothing of its topic before it. */
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
