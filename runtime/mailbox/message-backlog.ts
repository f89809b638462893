import type { Overflow } from "../../actors/index.ts";
import type { Gap, Mail } from "../../layers/message.ts";
import type { MailboxSettings } from "../consumer-settings.ts";
import { rejectIfAsked } from "./ask-envelope.ts";
import { Fifo } from "./fifo.ts";

/** What became of a message: taken, taken in the place of an older one, or not taken. */
export type Taken = "taken" | "displaced" | "refused";

type Word = Missing | Dropped;

/**
 * The messages that wait for one actor, with word of what is missing in its place among them: one for each group, and one
 * of what was dropped, between two messages, however often there is something to say.
 */
export class Backlog {
  readonly #settings: MailboxSettings;
  readonly #items = new Fifo<Mail | Word>();
  /** Word that comes before all items, since the messages in between were dropped. */
  #front: Word[] = [];
  /** Word of gaps that waits behind the last message. */
  #latest: Missing[] = [];
  #messages = 0;

  constructor(settings: MailboxSettings) {
    this.#settings = settings;
  }

  /** How many wait, messages and word of what is missing. */
  get size(): number {
    return this.#items.size + this.#front.length;
  }

  put(mail: Mail): Taken {
    const { capacity, overflow } = this.#settings;
    const isFull = this.#messages >= capacity;
    if (isFull && overflow !== "drop-oldest") {
      if (overflow === "drop-newest") this.#note(this.#items.last, (word) => this.#items.push(word));
      return "refused";
    }
    if (isFull) this.#dropOldest();
    this.#items.push(mail);
    this.#latest = [];
    this.#messages += 1;
    return isFull ? "displaced" : "taken";
  }

  putGap(gap: Gap): void {
    const missing = new Missing(gap);
    if (missing.isPartOfOne(this.#latest)) return;
    this.#items.push(missing);
    this.#latest.push(missing);
  }

  shift(): Mail | Gap | Overflow | undefined {
    const item = this.#front.shift() ?? this.#items.shift();
    if (item === undefined) return undefined;
    if (item instanceof Missing) {
      if (item === this.#latest[0]) this.#latest.shift();
      return item.gap;
    }
    if ("message" in item) this.#messages -= 1;
    return item;
  }

  /** @returns how many items it dropped. */
  clear(): number {
    const { size } = this;
    for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift()) {
      if ("message" in item) rejectIfAsked(item, "the actor is on its way out");
    }
    this.#front = [];
    this.#latest = [];
    this.#messages = 0;
    return size;
  }

  #dropOldest(): void {
    let oldest = this.#items.shift();
    while (oldest !== undefined && !("message" in oldest)) {
      if (!(oldest instanceof Missing && oldest.isPartOfOne(this.#front))) this.#front.push(oldest);
      oldest = this.#items.shift();
    }
    this.#messages -= 1;
    rejectIfAsked(oldest, "too many messages wait");
    this.#note(this.#front.at(-1), (word) => this.#front.push(word));
  }

  /** Counts one more dropped message: with those that were dropped just before it, or by itself. */
  #note(before: Mail | Word | undefined, put: (word: Overflow) => void): void {
    if (before instanceof Dropped) before.dropped += 1;
    else put(new Dropped());
  }
}

/** Word of a gap. What comes to be missing later, with no message in between, becomes a part of it. */
class Missing {
  gap: Gap;

  constructor(gap: Gap) {
    this.gap = gap;
  }

  /** Whether one of `words` is about the same group, and says from now on what this one says, too. */
  isPartOfOne(words: readonly Word[]): boolean {
    const { group, from, to } = this.gap;
    const earlier = words.find((word) => word instanceof Missing && word.gap.group === group);
    if (!(earlier instanceof Missing)) return false;
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

class Dropped implements Overflow {
  dropped = 1;
}
