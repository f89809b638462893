import { AsyncResource } from "node:async_hooks";
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
import { asError, LayerClosedError, LayerUnavailableError } from "../../errors.ts";
import { retry } from "../../retry.ts";
import type { RedisBackend } from "../connection/backend-factory.ts";
import { required } from "./sharded-backend.ts";
import { SwappableState } from "./swappable-state.ts";

/** A backend that another one can replace: see {@link RedisBackend.abandon}. */
export type ReplaceableBackend = Backend & Pick<RedisBackend, "abandon">;

/**
 * Uses one backend at a time, and can swap it. After a swap, every topic is subscribed at the new backend and
 * receives one gap, and every consumption continues there. If a swap interrupts a call of `publish` or
 * `enqueue`, the call rejects with {@link LayerUnavailableError}, but may have been executed.
 */
export abstract class SwappableBackend implements Backend {
  readonly capabilities: Capabilities;
  readonly history?: HistoryBackend;
  readonly queues?: QueueBackend;
  readonly state?: SwappableState;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  /** The subscribed topics. Each promise resolves once the topic's last move to another backend has ended. */
  readonly #topics = new Map<string, Promise<void>>();
  readonly #gapsDue = new Set<string>();
  /** For each consumption: the function that moves it to a new backend, and the controller that stops it. */
  readonly #moves = new Map<() => void, AbortController>();
  #listener: BackendListener | undefined;
  #current: ReplaceableBackend | undefined;
  /** The backend that is being opened. */
  #next: ReplaceableBackend | undefined;
  /** Resolves once all replaced backends are closed. */
  #retired = Promise.resolve();

  constructor(capabilities: Capabilities, clock: Clock) {
    this.capabilities = capabilities;
    this.#clock = clock;
    if (capabilities.history) {
      this.history = {
        read: async (topic, query) => required(this.#now.history).read(topic, query),
        position: (topic) => this.#current?.history?.position?.(topic),
        secret: async (candidate) => required(this.#now.history?.secret)(candidate),
      };
    }
    if (capabilities.workers) {
      this.queues = {
        enqueue: (...job) => this.#guard((backend) => required(backend.queues).enqueue(...job)),
        delete: (queue) => this.#guard((backend) => required(backend.queues).delete(queue)),
        size: (queue) => this.#guard((backend) => required(backend.queues).size(queue)),
        consume: (...how) => this.#consume(async () => required(this.#now.queues).consume(...how)),
      };
    }
    if (capabilities.state) {
      this.state = new SwappableState({
        current: () => required(this.#now.state),
        guard: (call) => this.#guard((backend) => call(required(backend.state))),
        retry: (attempt, signal) => this.#retry(attempt, signal),
      });
    }
  }

  get health(): Health {
    return this.#current?.health ?? { ok: false, reason: "The backend has not been opened." };
  }

  async open(listener: BackendListener): Promise<void> {
    this.#listener = listener;
    const first = await this.createFirst();
    if (this.#isClosed) throw new LayerClosedError();
    await this.#moveTo(first);
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
    for (const stopping of this.#moves.values()) stopping.abort();
    await Promise.all([this.#current?.close(), this.#next?.close(), this.#retired]);
  }

  /** Creates the first backend. Called each time that `open` is called. */
  protected abstract createFirst(): Promise<ReplaceableBackend>;

  /**
   * Replaces the backend by `next`, and returns whether that succeeded. Changes nothing before the first
   * backend is open, during another swap, or after `close`. If `next` cannot be opened, reports the error and
   * keeps the current backend.
   */
  protected async swap(next: ReplaceableBackend): Promise<boolean> {
    if (this.#current === undefined || this.#next !== undefined || this.#isClosed) return false;
    try {
      await this.#moveTo(next);
      return true;
    } catch (error) {
      this.report(error);
      return false;
    }
  }

  async #moveTo(next: ReplaceableBackend): Promise<void> {
    this.#next = next;
    try {
      await next.open(this.#listenerOf(next));
      if (next.state !== undefined) await this.state?.prepare(next.state);
    } catch (error) {
      await next.close();
      throw error;
    } finally {
      this.#next = undefined;
    }
    if (this.#isClosed) throw new LayerClosedError();
    this.#current?.abandon();
    this.#retired = Promise.all([this.#retired, this.#current?.close()]).then(() => {});
    this.#current = next;
    for (const topic of this.#topics.keys()) {
      this.#gapsDue.add(topic);
      this.#topics.set(topic, this.#resubscribe(topic, next));
    }
    for (const move of this.#moves.keys()) move();
    this.state?.swapped();
  }

  /** Subscribes `topic`, then reports a gap. Stops if `backend` is replaced, or `topic` is unsubscribed. */
  async #resubscribe(topic: string, backend: Backend): Promise<void> {
    const isDue = () => backend === this.#current && this.#topics.has(topic) && !this.#isClosed;
    const subscribe = async () => {
      try {
        if (isDue()) await backend.subscribe(topic);
      } catch (error) {
        if (isDue()) throw error;
      }
      if (isDue()) this.#reportGap(topic);
    };
    await this.#retry(subscribe, this.#closing.signal);
  }

  /** Runs `call`. Does not repeat it after a swap, because the old backend may have executed it. */
  async #guard<T>(call: (backend: Backend) => Promise<T>): Promise<T> {
    const backend = this.#now;
    try {
      return await call(backend);
    } catch (error) {
      if (backend === this.#current) throw error;
      throw new LayerUnavailableError("Slots of the cluster moved. The call may have been executed.", {
        cause: error,
      });
    }
  }

  /** The consumption restarts on the new backend after each swap, once the running handlers have ended. */
  async #consume(begin: () => Promise<Consumption>): Promise<Consumption> {
    const stopping = new AbortController();
    const { signal } = stopping;
    const backend = this.#current;
    let running: Consumption | undefined;
    const start = async () => {
      running = await begin();
    };
    // Bound to the caller's context, because closing calls the listeners of the handlers' signals.
    const restart = AsyncResource.bind(async () => {
      await running?.close();
      if (!signal.aborted) await this.#retry(start, signal);
    });
    let started = start();
    const move = () => {
      started = started.catch(() => {}).then(restart);
    };
    const close = async () => {
      this.#moves.delete(move);
      stopping.abort();
      // The first `close` aborts running handlers. The second closes a consumption that a move started.
      await running?.close();
      await started.catch(() => {});
      await running?.close();
    };
    this.#moves.set(move, stopping);
    try {
      await started.catch((error: unknown) => {
        if (backend === this.#current || this.#isClosed) throw error;
        // The consumption could not begin on the old backend, but a swap has moved it to the new one.
        return started;
      });
      if (this.#isClosed) throw new LayerClosedError();
    } catch (error) {
      await close();
      throw error;
    }
    return { close };
  }

  /** Retries `attempt` until it succeeds, or `signal` is aborted. Reports the first failure. */
  async #retry(attempt: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const onFailure = (error: unknown, attempts: number) => {
      if (attempts === 1) this.report(error);
    };
    await retry(attempt, { clock: this.#clock, signal, onFailure }).catch(() => {});
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  get #now(): Backend {
    if (this.#current === undefined) throw new LayerUnavailableError("The backend has not been opened.");
    return this.#current;
  }

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
      room: () => this.#listener?.room?.(),
    };
  }

  #reportGap(topic: string): void {
    if (this.#gapsDue.delete(topic)) this.#listener?.gap(topic);
  }

  protected report(error: unknown): void {
    if (!this.#isClosed) this.#listener?.error(asError(error));
  }
}
