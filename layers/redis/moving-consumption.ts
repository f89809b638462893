import type { Consumption } from "../contract.ts";
import type { Pauses } from "./pauses.ts";

/** A consumption of a queue that may come to live elsewhere. */
export class MovingConsumption implements Consumption {
  readonly #begin: () => Promise<Consumption>;
  readonly #pauses: Pauses;
  readonly #onError: (error: unknown) => void;
  #current: Consumption | undefined;
  #moving = Promise.resolve();
  #isClosed = false;

  constructor(begin: () => Promise<Consumption>, pauses: Pauses, onError: (error: unknown) => void) {
    this.#begin = begin;
    this.#pauses = pauses;
    this.#onError = onError;
  }

  async open(): Promise<void> {
    this.#current = await this.#begin();
  }

  /** The queue lives elsewhere now: waits for what runs, then goes on there. */
  move(): void {
    this.#moving = this.#moving.then(() => this.#move());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#current?.close();
    await this.#moving;
    await this.#current?.close();
  }

  async #move(): Promise<void> {
    await this.#current?.close();
    for (let attempt = 1; !this.#isClosed && !this.#pauses.areOver; attempt += 1) {
      try {
        this.#current = await this.#begin();
        return;
      } catch (error) {
        if (attempt === 1) this.#onError(error);
        await this.#pauses.before(attempt);
      }
    }
  }
}
