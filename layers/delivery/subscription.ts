import type { Backend } from "../backend.ts";

/**
 * One node's subscription to one topic, counted by its holders: the first subscribes, the last unsubscribes.
 *
 * Holders come and go while the backend works. Only one change is pending at a time; when it is done, the
 * state is compared with the number of holders. So no order of calls ends in a subscription without a holder
 * or in a holder without a subscription.
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
   * @param onIdle called when the last holder is gone and the topic is unsubscribed.
   * @param onError receives failures to unsubscribe, which no holder awaits.
   */
  constructor(backend: Backend, topic: string, onIdle: () => void, onError: (error: unknown) => void) {
    this.#backend = backend;
    this.#topic = topic;
    this.#onIdle = onIdle;
    this.#onError = onError;
  }

  /**
   * Adds a holder, which must call {@link release} once, even after a failure. Resolves once the topic is
   * subscribed or all holders have left; undefined if it is subscribed already. Rejects if the backend does.
   */
  acquire(): Promise<void> | undefined {
    this.#holders += 1;
    return this.#live ? undefined : this.#join();
  }

  async #join(): Promise<void> {
    while (this.#unsubscribing !== undefined) await this.#unsubscribing;
    if (this.#live || this.#holders === 0) return;
    this.#subscribing ??= this.#subscribe();
    await this.#subscribing;
  }

  /** Removes a holder. Resolves once the backend has unsubscribed; undefined if there are other holders. */
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
        // Not awaited: holders that have joined need not wait for an unsubscription.
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
