import type { Overflow } from "../../actors/index.ts";
import { Fifo } from "../../layers/fifo.ts";
import type { Gap, Mail } from "../../layers/message.ts";
import type { MailboxSettings } from "../consumer-settings.ts";
import { rejectIfAsked } from "./ask-envelope.ts";

/** The result of enqueuing a message. `displaced`: enqueued, and the oldest message was dropped. */
export type EnqueueResult = "enqueued" | "displaced" | "refused";

/** The call of a timer that is due, or of another callback that no item causes. */
export interface TimerCall {
  /** Names the callback for error reports. @default "timer" */
  readonly stage?: string;
  /** Calls the callback, unless the timer was cancelled. */
  run(): unknown;
}

type LossNotice = GapNotice | OverflowNotice;
type Notice = LossNotice | TimerCall;

/**
 * The waiting messages and timer calls of one actor. A notice stands in the place of lost messages. An
 * overflow notice never directly follows another one, although gap notices or timer calls may lie between two
 * of them. The gaps of a group between two messages share one notice.
 */
export class MessageBacklog {
  readonly #settings: MailboxSettings;
  readonly #items = new Fifo<Mail | Notice>();
  /** The notices before the first remaining item. The messages between these notices were dropped. */
  readonly #front = new Fifo<Notice>();
  readonly #frontGaps = new GapNotices();
  /** The gap notices after the last message. */
  readonly #latestGaps = new GapNotices();
  #messages = 0;

  constructor(settings: MailboxSettings) {
    this.#settings = settings;
  }

  /** The number of waiting items, notices and calls included. */
  get size(): number {
    return this.#items.size + this.#front.size;
  }

  get messages(): number {
    return this.#messages;
  }

  enqueue(mail: Mail): EnqueueResult {
    const { capacity, overflow } = this.#settings;
    const isFull = this.#messages >= capacity;
    if (isFull && overflow !== "drop-oldest") {
      if (overflow === "drop-newest") this.#countDropped(this.#items.last, this.#items);
      return "refused";
    }
    if (isFull) this.#dropOldest();
    this.#items.push(mail);
    this.#latestGaps.clear();
    this.#messages += 1;
    return isFull ? "displaced" : "enqueued";
  }

  enqueueGap(gap: Gap): void {
    const notice = new GapNotice(gap);
    if (this.#latestGaps.add(notice)) this.#items.push(notice);
  }

  enqueueTimer(call: TimerCall): void {
    this.#items.push(call);
  }

  shift(): Mail | Gap | Overflow | TimerCall | undefined {
    const item = this.#front.shift() ?? this.#items.shift();
    if (item === undefined) return undefined;
    if (item instanceof GapNotice) {
      this.#frontGaps.delete(item);
      this.#latestGaps.delete(item);
      return item.gap;
    }
    if ("message" in item) this.#messages -= 1;
    return item;
  }

  /** @returns the number of dropped messages and notices. A timer call does not count. */
  clear(): number {
    let dropped = 0;
    for (const items of [this.#front, this.#items]) {
      for (let item = items.shift(); item !== undefined; item = items.shift()) {
        if (!("run" in item)) dropped += 1;
        if ("message" in item) rejectIfAsked(item, "the actor is closing");
      }
    }
    this.#frontGaps.clear();
    this.#latestGaps.clear();
    this.#messages = 0;
    return dropped;
  }

  #dropOldest(): void {
    let oldest = this.#items.shift();
    while (oldest !== undefined && !("message" in oldest)) {
      if (!(oldest instanceof GapNotice) || this.#frontGaps.add(oldest)) this.#front.push(oldest);
      oldest = this.#items.shift();
    }
    this.#messages -= 1;
    rejectIfAsked(oldest, "the mailbox is full");
    this.#countDropped(this.#front.last, this.#front);
  }

  #countDropped(last: unknown, queue: { push(notice: OverflowNotice): unknown }): void {
    if (last instanceof OverflowNotice) last.dropped += 1;
    else queue.push(new OverflowNotice());
  }
}

/** The notice of a gap. Later gaps of the same group are merged into it, until the next message arrives. */
class GapNotice {
  gap: Gap;

  constructor(gap: Gap) {
    this.gap = gap;
  }

  merge({ gap: { group, from, to } }: GapNotice): void {
    const { gap } = this;
    const isContinued =
      gap.from !== undefined && gap.to !== undefined && from === gap.to + 1 && to !== undefined;
    this.gap = Object.freeze({
      ...(group !== undefined && { group }),
      ...(isContinued && { from: gap.from, to }),
    });
  }
}

/** One notice for each group, found by the group: a failover may cause gaps in all groups of an actor at once. */
class GapNotices {
  // Created on demand, because most actors never get a gap.
  #byGroup: Map<string | undefined, GapNotice> | undefined;

  /** Adds `notice`, or merges it into its group's notice. @returns whether it was added. */
  add(notice: GapNotice): boolean {
    const { group } = notice.gap;
    this.#byGroup ??= new Map();
    const earlier = this.#byGroup.get(group);
    if (earlier === undefined) this.#byGroup.set(group, notice);
    else earlier.merge(notice);
    return earlier === undefined;
  }

  delete(notice: GapNotice): void {
    const { group } = notice.gap;
    if (this.#byGroup?.get(group) === notice) this.#byGroup.delete(group);
  }

  clear(): void {
    this.#byGroup = undefined;
  }
}

class OverflowNotice implements Overflow {
  dropped = 1;
}
