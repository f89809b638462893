import type { Backend, BackendListener, Capabilities, Health, QueueBackend } from "./contract.ts";
import type { MemoryBus, Subscriber } from "./memory-bus.ts";

/** Moves payloads over a {@link MemoryBus}. Nothing is ever lost between nodes, so there are no gaps. */
export class MemoryBackend implements Backend {
  readonly capabilities: Capabilities = {
    delivery: "at-most-once",
    crossProcess: false,
    history: false,
    workers: true,
  };
  readonly health: Health = { ok: true };
  readonly queues: QueueBackend;
  readonly #bus: MemoryBus;
  readonly #topics = new Set<string>();
  readonly #deliver: Subscriber = (topic, payload) => this.#listener?.payload(topic, payload);
  #listener: BackendListener | undefined;

  constructor(bus: MemoryBus) {
    this.#bus = bus;
    this.queues = bus.queues;
  }

  async open(listener: BackendListener): Promise<void> {
    this.#listener = listener;
  }

  async publish(topic: string, payload: Uint8Array): Promise<void> {
    this.#bus.publish(topic, payload);
  }

  async subscribe(topic: string): Promise<void> {
    this.#topics.add(topic);
    this.#bus.subscribe(topic, this.#deliver);
  }

  async unsubscribe(topic: string): Promise<void> {
    this.#topics.delete(topic);
    this.#bus.unsubscribe(topic, this.#deliver);
  }

  async close(): Promise<void> {
    this.#listener = undefined;
    for (const topic of this.#topics) this.#bus.unsubscribe(topic, this.#deliver);
    this.#topics.clear();
  }
}
