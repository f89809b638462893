import { setMaxListeners } from "node:events";
import { asError } from "../../as-error.ts";
import type {
  Backend,
  BackendListener,
  Capabilities,
  Consumption,
  Health,
  HistoryBackend,
  QueueBackend,
} from "../../backend.ts";
import type { Clock } from "../../clock.ts";
import { LayerClosedError, LayerUnavailableError } from "../../errors.ts";
import { retry } from "../../retry.ts";
import { required } from "./sharded-backend.ts";

/**
 * Runs on one backend at a time, which can be replaced while it is in use: every topic is subscribed at the new backend
 * and gets one gap there, and every consumption continues there.
 *
 * A publication or a job under way during a swap rejects with {@link LayerUnavailableError}, and may have arrived.
 */
export abstract class SwappableBackend implements Backend {
  readonly capabilities: Capabilities;
  readonly history?: HistoryBackend;
  readonly queues?: QueueBackend;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  /** The subscribed topics, each with the end of its last move. */
  readonly #topics = new Map<string, Promise<void>>();
  readonly #gapsDue = new Set<string>();
  readonly #consumptions = new Set<RelocatableConsumption>();
  readonly #retiring = new Set<Promise<void>>();
  #listener: BackendListener | undefined;
  #current: Backend | undefined;
  #next: Backend | undefined;
  #swapping: Promise<boolean> | undefined;
  #isOpen = false;

  constructor(capabilities: Capabilities, clock: Clock) {
    this.capabilities = capabilities;
    this.#clock = clock;
    // One for each topic that cannot be subscribed.
    setMaxListeners(0, this.#closing.signal);
    if (capabilities.history) {
      this.history = { read: async (topic, query) => required(this.#now.history).read(topic, query) };
    }
    if (capabilities.workers) {
      this.queues = {
        enqueue: (...job) => this.#guard((backend) => required(backend.queues).enqueue(...job)),
        consume: (...how) => this.#consume(async () => required(this.#now.queues).consume(...how)),
      };
    }
  }

  get health(): Health {
    return this.#current?.health ?? { ok: false, reason: "The backend has not been opened." };
  }

  async open(listener: BackendListener): Promise<void> {
    this.#listener = listener;
    this.#current = undefined;
    const first = await this.createFirst();
    if (this.#isClosed) throw new LayerClosedError();
    this.#current = first;
    await first.open(this.#listenerOf(first));
    this.#isOpen = true;
  }

  publish(topic: string, payload: Uint8Array): Promise<void> {
    return this.#guard((backend) => backend.publish(topic, payload));
  }

  async subscribe(topic: string): Promise<void> {
    for (;;) {
      const backend = this.#now;
      try {
        await backend.subscribe(topic);
      } catch (error) {
        if (backend === this.#current || this.#isClosed) throw error;
      }
      if (backend === this.#current) break;
    }
    this.#topics.set(topic, Promise.resolve());
  }

  async unsubscribe(topic: string): Promise<void> {
    const moved = this.#topics.get(topic);
    this.#topics.delete(topic);
    this.#gapsDue.delete(topic);
    await moved;
    return this.#now.unsubscribe(topic);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const consumption of this.#consumptions) consumption.stop();
    await Promise.all([this.#current?.close(), this.#next?.close()]);
    await this.#swapping;
    await Promise.all(this.#retiring);
  }

  /** Makes the backend to begin with, for each attempt to open. */
  protected abstract createFirst(): Promise<Backend>;

  /** Whether the backend is open and no swap is under way. */
  protected get canSwap(): boolean {
    return this.#isOpen && this.#swapping === undefined;
  }

  /** Replaces the backend. Returns whether `next` could be opened: if not, that is reported, and nothing changes. */
  protected swap(next: Backend): Promise<boolean> {
    this.#swapping = this.#swap(next).finally(() => {
      this.#next = undefined;
      this.#swapping = undefined;
    });
    return this.#swapping;
  }

  async #swap(next: Backend): Promise<boolean> {
    this.#next = next;
    try {
      await next.open(this.#listenerOf(next));
    } catch (error) {
      this.#report(error);
      return false;
    }
    if (this.#isClosed) {
      await next.close();
      return false;
    }
    if (this.#current !== undefined) this.#retire(this.#current);
    this.#current = next;
    for (const topic of this.#topics.keys()) {
      this.#gapsDue.add(topic);
      this.#topics.set(topic, this.#resubscribe(topic, next));
    }
    for (const consumption of this.#consumptions) consumption.move();
    return true;
  }

  #retire(backend: Backend): void {
    const closing = backend.close().finally(() => this.#retiring.delete(closing));
    this.#retiring.add(closing);
  }

  /** Subscribes a topic at the new backend, as long as that is the current one and the topic is wanted. */
  async #resubscribe(topic: string, backend: Backend): Promise<void> {
    const isDue = () => backend === this.#current && this.#topics.has(topic) && !this.#isClosed;
    const attempt = async () => {
      if (!isDue()) return;
      await backend.subscribe(topic);
      if (isDue()) this.#reportGap(topic);
    };
    const onFailure = (error: unknown, attempts: number) => {
      if (!isDue()) throw error;
      if (attempts === 1) this.#report(error);
    };
    await retry(attempt, { clock: this.#clock, signal: this.#closing.signal, onFailure }).catch(() => {});
  }

  /** A call under way during a swap may have had its effect or not. */
  async #guard<T>(call: (backend: Backend) => Promise<T>): Promise<T> {
    const backend = this.#now;
    try {
      return await call(backend);
    } catch (error) {
      if (backend === this.#current) throw error;
      throw new LayerUnavailableError("Slots of the cluster have moved meanwhile.", { cause: error });
    }
  }

  async #consume(begin: () => Promise<Consumption>): Promise<Consumption> {
    const consumption = new RelocatableConsumption(begin, this.#clock, (error) => this.#report(error));
    const close = async () => {
      this.#consumptions.delete(consumption);
      await consumption.close();
    };
    // From now on it moves along, even if a swap comes before it has begun.
    this.#consumptions.add(consumption);
    const backend = this.#current;
    try {
      await consumption.open().catch((error: unknown) => {
        if (backend === this.#current || this.#isClosed) throw error;
        return consumption.moved;
      });
      if (this.#isClosed) throw new LayerClosedError();
    } catch (error) {
      await close();
      throw error;
    }
    return { close };
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  get #now(): Backend {
    if (this.#current === undefined) throw new LayerUnavailableError("The backend has not been opened.");
    return this.#current;
  }

  /** Ignores payloads and gaps of backends that were replaced, or are not in use yet. */
  #listenerOf(backend: Backend): BackendListener {
    return {
      payload: (topic, payload, position) => {
        if (backend !== this.#current) return;
        if (this.#gapsDue.size > 0) this.#reportGap(topic);
        this.#listener?.payload(topic, payload, position);
      },
      gap: (topic, range) => {
        if (backend === this.#current) this.#listener?.gap(topic, range);
      },
      error: (error) => this.#listener?.error(error),
    };
  }

  #reportGap(topic: string): void {
    if (this.#gapsDue.delete(topic)) this.#listener?.gap(topic);
  }

  #report(error: unknown): void {
    if (!this.#isClosed) this.#listener?.error(asError(error));
  }
}

/** A consumption that can be begun anew elsewhere. */
class RelocatableConsumption {
  readonly #begin: () => Promise<Consumption>;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #stopping = new AbortController();
  #current: Consumption | undefined;
  #moved = Promise.resolve();

  constructor(begin: () => Promise<Consumption>, clock: Clock, onError: (error: unknown) => void) {
    this.#begin = begin;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** A {@link move} that is asked for meanwhile comes afterwards, even if this rejects. */
  async open(): Promise<void> {
    const opening = this.#start();
    this.#moved = opening.catch(() => {});
    await opening;
  }

  /** Resolves after the last move. */
  get moved(): Promise<void> {
    return this.#moved;
  }

  /** Waits for the handlers that run, then begins anew. */
  move(): void {
    this.#moved = this.#moved.then(() => this.#move());
  }

  /** Begins nowhere any more. */
  stop(): void {
    this.#stopping.abort();
  }

  async close(): Promise<void> {
    this.stop();
    await this.#current?.close();
    await this.#moved;
    await this.#current?.close();
  }

  async #start(): Promise<void> {
    this.#current = await this.#begin();
  }

  async #move(): Promise<void> {
    await this.#current?.close();
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    const onFailure = (error: unknown, attempts: number) => {
      if (attempts === 1) this.#onError(error);
    };
    await retry(() => this.#start(), { clock: this.#clock, signal, onFailure }).catch(() => {});
  }
}
