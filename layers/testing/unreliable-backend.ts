import type {
  Backend,
  BackendListener,
  Capabilities,
  Health,
  HistoryBackend,
  QueueBackend,
} from "../backend.ts";
import { ChannelLayer } from "../channel-layer.ts";
import { InvalidOptionError } from "../errors.ts";
import { MemoryBackend } from "../memory/memory-backend.ts";
import { MemoryBus } from "../memory/memory-bus.ts";
import type { MemoryLayerOptions } from "../memory/memory-layer.ts";
import { type Faults, UnreliableLink } from "./unreliable-link.ts";

/**
 * A backend that treats badly what its node receives, by a seed, and leaves everything else to the one that it wraps:
 * queues, histories, what other nodes receive.
 *
 * It breaks what a layer promises, on purpose: `drop` that no loss is silent, since no gap is told; `duplicate` that a
 * message comes at most once; `reorder` the order. `delay` breaks nothing: whoever fails under it alone relied on more than
 * was promised. Which payloads suffer depends on the seed and on the order in which they come to this node alone.
 *
 * @throws {InvalidOptionError} for a share that is not from 0 to 1, or a seed that is no whole number.
 */
export function unreliable(backend: Backend, faults: Faults): Backend {
  const { seed, ...shares } = faults;
  if (!Number.isSafeInteger(seed))
    throw new InvalidOptionError(`seed is ${seed}; it must be a whole number.`);
  for (const [name, share] of Object.entries(shares)) {
    if (!(share >= 0 && share <= 1)) {
      throw new InvalidOptionError(`${name} is ${share}; it must be a share from 0 to 1.`);
    }
  }
  return new UnreliableBackend(backend, faults);
}

/** A {@link MemoryLayer} over an {@link unreliable} backend: nodes that share a bus may have faults of their own each. */
export function unreliableLayer(
  faults: Faults,
  { bus = new MemoryBus(), prefix = "greenroom", ...options }: MemoryLayerOptions = {},
): ChannelLayer {
  return new ChannelLayer(unreliable(new MemoryBackend(bus, prefix), faults), { ...options, prefix });
}

class UnreliableBackend implements Backend {
  readonly history?: HistoryBackend;
  readonly queues?: QueueBackend;
  readonly #backend: Backend;
  readonly #faults: Faults;
  #link: UnreliableLink | undefined;

  constructor(backend: Backend, faults: Faults) {
    this.#backend = backend;
    this.#faults = faults;
    if (backend.history !== undefined) this.history = backend.history;
    if (backend.queues !== undefined) this.queues = backend.queues;
  }

  get capabilities(): Capabilities {
    return this.#backend.capabilities;
  }

  get health(): Health {
    return this.#backend.health;
  }

  get inFlight(): number | undefined {
    return this.#backend.inFlight;
  }

  open(listener: BackendListener): Promise<void> {
    this.#link = new UnreliableLink(listener, this.#faults);
    return this.#backend.open(this.#link);
  }

  publish(topic: string, payload: Uint8Array): Promise<void> {
    return this.#backend.publish(topic, payload);
  }

  subscribe(topic: string): Promise<void> {
    return this.#backend.subscribe(topic);
  }

  async unsubscribe(topic: string): Promise<void> {
    await this.#backend.unsubscribe(topic);
    this.#link?.forget(topic);
  }

  async close(): Promise<void> {
    this.#link?.forget();
    await this.#backend.close();
    this.#link?.forget();
  }
}
