import type {
  Backend,
  BackendListener,
  Capabilities,
  Health,
  HistoryBackend,
  QueueBackend,
} from "../backend.ts";
import { UnsupportedError } from "../errors.ts";
import type { StateBackend } from "../state-backend.ts";
import { Topics } from "../wire/topics.ts";
import type { MemoryBus, Subscriber } from "./memory-bus.ts";
import { MemoryState } from "./memory-state.ts";

/** Moves payloads over a {@link MemoryBus}. Payloads are never lost between nodes, so no gap is reported. */
export class MemoryBackend implements Backend {
  readonly capabilities: Capabilities = {
    delivery: "once-or-gap",
    crossProcess: false,
    history: true,
    workers: true,
    state: true,
  };
  readonly health: Health = { ok: true };
  readonly history: HistoryBackend = {
    read: async (topic, query) => {
      if (this.#bus.keepsHistory(this.#prefix)) return this.#bus.read(topic, query);
      throw new UnsupportedError(
        "This memory layer keeps no histories, because no consumer needs them. Pass `history: true` to " +
          'MemoryLayer, or declare `static needs = ["history"]` in a consumer on this layer.',
      );
    },
    keep: () => this.#bus.keepHistory(this.#prefix),
    position: (topic) => this.#bus.position(topic),
    secret: async (candidate) => this.#bus.secret(this.#prefix, candidate),
  };
  readonly queues: QueueBackend;
  readonly state: StateBackend;
  readonly #bus: MemoryBus;
  readonly #prefix: string;
  readonly #topics: Topics;
  readonly #subscribed = new Set<string>();
  readonly #deliver: Subscriber = (topic, payload, position) =>
    this.#listener?.payload(topic, payload, position);
  #listener: BackendListener | undefined;

  /** @param prefix the layer's prefix. It marks the topics of groups, and only groups have a history. */
  constructor(bus: MemoryBus, prefix: string) {
    this.#bus = bus;
    this.#prefix = prefix;
    this.#topics = new Topics(prefix);
    this.queues = bus.queues;
    this.state = new MemoryState(bus.state(prefix));
  }

  get inFlight(): number {
    return this.#bus.inFlight;
  }

  async open(listener: BackendListener): Promise<void> {
    this.#listener = listener;
    this.#bus.join(listener);
  }

  async publish(topic: string, payload: Uint8Array): Promise<void> {
    const group = this.#bus.keepsHistory(this.#prefix) ? this.#topics.groupOf(topic) : undefined;
    this.#bus.publish(topic, payload, group);
    // An actor that awaits its sends handles its next frame later, so a client that floods a group is slowed.
    const drained = this.#bus.drained(topic);
    if (drained !== undefined) await drained;
  }

  async subscribe(topic: string): Promise<void> {
    this.#subscribed.add(topic);
    this.#bus.subscribe(topic, this.#deliver);
  }

  async unsubscribe(topic: string): Promise<void> {
    this.#subscribed.delete(topic);
    this.#bus.unsubscribe(topic, this.#deliver);
  }

  async close(): Promise<void> {
    if (this.#listener !== undefined) this.#bus.leave(this.#listener);
    this.#listener = undefined;
    for (const topic of this.#subscribed) this.#bus.unsubscribe(topic, this.#deliver);
    this.#subscribed.clear();
  }
}
