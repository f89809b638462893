import type { Mail } from "../layers/contract.ts";
import type { Counters } from "./counters.ts";
import type { Mailbox } from "./mailbox.ts";

/** An actor as the dispatcher sees it. */
export interface Addressee {
  readonly mailbox: Mailbox;
  /** Its mailbox is full: it cannot keep up. */
  overflowed(): void;
}

/** Puts what a layer delivers to this node into the mailbox it is for, and counts what finds no place there. */
export class Dispatcher {
  readonly #counters: Counters;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  deliver(mail: Mail, addressee: Addressee): void {
    if (addressee.mailbox.post(mail)) return;
    if (addressee.mailbox.closed) {
      this.#counters.drop("closing");
    } else {
      this.#counters.drop("overflow");
      addressee.overflowed();
    }
  }
}
