import type { Backend } from "../backend.ts";

/**
 * One topic's subscription on one node, held by as many as need it: the first holder subscribes, the last unsubscribes.
 *
 * Holders come and go while the backend is still at work. Only one change is under way at a time, and when it is done
 * the state is compared with what is wanted by then, so no order of joins and leaves ends in a subscription that
 * nobody holds or a holder without one.
 */
export class Subscription {
  readonly #backend: Backend;
  readonly #topic: string;
  readonly #onIdle: () => void;
  readonly #onError: (error: unknown) => void;
  #holders = 0;
  #live = false;
  #subscribing: Promise<void> | undefined;
  #unsubscribing: Promise<void> | undefined;

  /**
   * @param onIdle called when nobody holds the subscription any more and it is gone.
   * @param onError hears why an unsubscription failed, which no holder awaits.
   */
  constructor(backend: Backend, topic: string, onIdle: () => void, onError: (error: unknown) => void) {
    this.#backend = backend;
    this.#topic = topic;
    this.#onIdle = onIdle;
    this.#onError = onError;
  }

  /**
   * Takes hold. Resolves once the topic is subscribed, or at once if by then {@link release} was called; rejects if
   * the backend cannot subscribe. In every case {@link release} is owed, once.
   */
  async acquire(): Promise<void> {
    this.#holders += 1;
    while (this.#unsubscribing !== undefined) await this.#unsubscribing;
    if (this.#live || this.#holders === 0) return;
    this.#subscribing ??= this.#subscribe();
    await this.#subscribing;
  }

  /** Takes hold if the topic is subscribed already, so that nothing has to be waited for. Returns whether it did. */
  hold(): boolean {
    if (this.#live) this.#holders += 1;
    return this.#live;
  }

  /** Lets go. Resolves once the backend has unsubscribed, if this was the last holder; undefined if it was not. */
  release(): Promise<void> | undefined {
    this.#holders -= 1;
    return this.#settle();
  }

  #settle(): Promise<void> | undefined {
    if (this.#holders > 0 || this.#subscribing !== undefined) return undefined;
    if (this.#live) this.#unsubscribing = this.#unsubscribe();
    if (this.#unsubscribing === undefined) this.#onIdle();
    return this.#unsubscribing;
  }

  #subscribe(): Promise<void> {
    return this.#backend
      .subscribe(this.#topic)
      .then(() => {
        this.#live = true;
      })
      .finally(() => {
        this.#subscribing = undefined;
        // Not awaited: who subscribed need not wait for those who have left again.
        void this.#settle();
      });
  }

  #unsubscribe(): Promise<void> {
    this.#live = false;
    return this.#backend
      .unsubscribe(this.#topic)
      .catch(this.#onError)
      .finally(() => {
        this.#unsubscribing = undefined;
        void this.#settle();
      });
  }
}
