import type { Overflow } from "../actors/index.ts";
import type { Gap, Mail } from "../layers/contract.ts";
import type { MailboxSettings } from "./consumer-settings.ts";
import { Fifo } from "./fifo.ts";
import { dropped } from "./question.ts";

/** What became of a message: taken, taken in the place of an older one, or not taken. */
export type Taken = "taken" | "displaced" | "refused";

type Word = Gap | Overflow;

/** The messages that wait for one actor, with word of what is missing in its place among them. */
export class Backlog {
  readonly #settings: MailboxSettings;
  readonly #items = new Fifo<Mail | Word>();
  /** Word that comes before all items, since the messages in between were dropped. */
  #front: Word[] = [];
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
    this.#messages += 1;
    return isFull ? "displaced" : "taken";
  }

  putGap(gap: Gap): void {
    this.#items.push(gap);
  }

  shift(): Mail | Word | undefined {
    const word = this.#front.shift();
    if (word !== undefined) return word;
    const item = this.#items.shift();
    if (item !== undefined && "message" in item) this.#messages -= 1;
    return item;
  }

  /** @returns how many items it dropped. */
  clear(): number {
    const { size } = this;
    for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift()) {
      dropped(item, "the actor is on its way out");
    }
    this.#front = [];
    this.#messages = 0;
    return size;
  }

  #dropOldest(): void {
    let oldest = this.#items.shift();
    while (oldest !== undefined && !("message" in oldest)) {
      this.#front.push(oldest);
      oldest = this.#items.shift();
    }
    this.#messages -= 1;
    dropped(oldest, "too many messages wait");
    this.#note(this.#front.at(-1), (word) => this.#front.push(word));
  }

  /** Counts one more dropped message: with those that were dropped just before it, or by itself. */
  #note(before: Mail | Word | undefined, put: (word: Overflow) => void): void {
    if (before instanceof Dropped) before.dropped += 1;
    else put(new Dropped());
  }
}

class Dropped implements Overflow {
  dropped = 1;
}
