import type { Consumption } from "../../backend.ts";
import type { Pauses } from "../connection/pauses.ts";

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

  /** A move that is asked for meanwhile comes after it, also where this rejects. */
  async open(): Promise<void> {
    const opening = this.#start();
    this.#moving = opening.catch(() => {});
    await opening;
  }

  /** Resolves once it lives where it was last moved to, or is closed. */
  get moved(): Promise<void> {
    return this.#moving;
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

  async #start(): Promise<void> {
    this.#current = await this.#begin();
  }

  async #move(): Promise<void> {
    await this.#current?.close();
    for (let attempt = 1; !this.#isClosed && !this.#pauses.areOver; attempt += 1) {
      try {
        await this.#start();
        return;
      } catch (error) {
        if (attempt === 1) this.#onError(error);
        await this.#pauses.before(attempt);
      }
    }
  }
}
