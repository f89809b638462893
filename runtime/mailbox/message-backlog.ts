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
  #front: Notice[] = [];
  /** The gap notices after the last message. */
  #latest: GapNotice[] = [];
  #messages = 0;

  constructor(settings: MailboxSettings) {
    this.#settings = settings;
  }

  /** The number of waiting items, notices and calls included. */
  get size(): number {
    return this.#items.size + this.#front.length;
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
    this.#latest = [];
    this.#messages += 1;
    return isFull ? "displaced" : "enqueued";
  }

  enqueueGap(gap: Gap): void {
    const notice = new GapNotice(gap);
    if (notice.mergeInto(this.#latest)) return;
    this.#items.push(notice);
    this.#latest.push(notice);
  }

  enqueueTimer(call: TimerCall): void {
    this.#items.push(call);
  }

  shift(): Mail | Gap | Overflow | TimerCall | undefined {
    const item = this.#front.shift() ?? this.#items.shift();
    if (item === undefined) return undefined;
    if (item instanceof GapNotice) {
      if (item === this.#latest[0]) this.#latest.shift();
      return item.gap;
    }
    if ("message" in item) this.#messages -= 1;
    return item;
  }

  /** @returns the number of dropped messages and notices. A timer call does not count. */
  clear(): number {
    let dropped = 0;
    for (const notice of this.#front) if (!("run" in notice)) dropped += 1;
    for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift()) {
      if (!("run" in item)) dropped += 1;
      if ("message" in item) rejectIfAsked(item, "the actor is closing");
    }
    this.#front = [];
    this.#latest = [];
    this.#messages = 0;
    return dropped;
  }

  #dropOldest(): void {
    let oldest = this.#items.shift();
    while (oldest !== undefined && !("message" in oldest)) {
      if (!(oldest instanceof GapNotice && oldest.mergeInto(this.#front))) this.#front.push(oldest);
      oldest = this.#items.shift();
    }
    this.#messages -= 1;
    rejectIfAsked(oldest, "the mailbox is full");
    this.#countDropped(this.#front.at(-1), this.#front);
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

  /** Merges this gap into its group's gap notice in `notices`. Returns false if there is no such notice. */
  mergeInto(notices: readonly Notice[]): boolean {
    const { group, from, to } = this.gap;
    const earlier = notices.find((notice) => notice instanceof GapNotice && notice.gap.group === group);
    if (!(earlier instanceof GapNotice)) return false;
    const { gap } = earlier;
    const isContinued =
      gap.from !== undefined && gap.to !== undefined && from === gap.to + 1 && to !== undefined;
    earlier.gap = Object.freeze({
      ...(group !== undefined && { group }),
      ...(isContinued && { from: gap.from, to }),
    });
    return true;
  }
}

class OverflowNotice implements Overflow {
  dropped = 1;
}
