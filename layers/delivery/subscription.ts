import type { Backend } from "../backend.ts";

/**
 * One node's subscription to one topic. The first holder subscribes, and the last holder to leave
 * unsubscribes. Holders can be added and removed while a call of the backend is pending. Once that call has
 * settled, another call corrects the state if necessary.
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

  /** @param onError receives failures to unsubscribe, which no holder awaits. */
  constructor(backend: Backend, topic: string, onIdle: () => void, onError: (error: unknown) => void) {
    this.#backend = backend;
    this.#topic = topic;
    this.#onIdle = onIdle;
    this.#onError = onError;
  }

  /**
   * Adds a holder, which must call {@link release} once, even after a failure. Returns undefined if the topic
   * is subscribed. Otherwise, resolves once the topic is subscribed or all holders have left.
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

  /** Removes a holder. Resolves once the topic is unsubscribed. Returns undefined if other holders remain. */
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
