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
import type { StateBackend } from "../state-backend.ts";
import { type Faults, UnreliableLink } from "./unreliable-link.ts";

/**
 * Wraps `backend` and injects faults into the payloads that its node receives. Queues, histories, named
 * actors and other nodes are not affected. `drop` (without a gap), `duplicate` and `reorder` break guarantees on purpose.
 * `delay` breaks no guarantee: code that fails with `delay` alone relies on more than layers guarantee.
 * The affected payloads depend only on the seed and on the order in which payloads arrive at this node.
 *
 * @throws {InvalidOptionError} for a share that is not from 0 to 1, or a seed that is not an integer.
 */
export function unreliable(backend: Backend, faults: Faults): Backend {
  const { seed, ...shares } = faults;
  if (!Number.isSafeInteger(seed))
    throw new InvalidOptionError(`seed is ${seed}; it must be a whole number.`);
  for (const [name, share] of Object.entries(shares)) {
    if (!(share >= 0 && share <= 1)) {
      throw new InvalidOptionError(`${name} is ${share}; it must be a number from 0 to 1.`);
    }
  }
  return new UnreliableBackend(backend, faults);
}

/** A `MemoryLayer` with faults. Nodes that share a bus may have different faults. */
export function unreliableLayer(
  faults: Faults,
  { bus = new MemoryBus(), history = false, prefix = "greenroom", ...options }: MemoryLayerOptions = {},
): ChannelLayer {
  const layer = new ChannelLayer(unreliable(new MemoryBackend(bus, prefix), faults), { ...options, prefix });
  if (history) layer.keepHistory();
  return layer;
}

class UnreliableBackend implements Backend {
  readonly history?: HistoryBackend;
  readonly queues?: QueueBackend;
  readonly state?: StateBackend;
  readonly #backend: Backend;
  readonly #faults: Faults;
  #link: UnreliableLink | undefined;

  constructor(backend: Backend, faults: Faults) {
    this.#backend = backend;
    this.#faults = faults;
    if (backend.history !== undefined) this.history = backend.history;
    if (backend.queues !== undefined) this.queues = backend.queues;
    if (backend.state !== undefined) this.state = backend.state;
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
