import type {
  Backend,
  BackendListener,
  Capabilities,
  Health,
  HistoryBackend,
  QueueBackend,
} from "../../backend.ts";
import { LayerClosedError, UnsupportedError } from "../../errors.ts";
import type { BackendFactory } from "../connection/backend-factory.ts";
import { queueKeys } from "../jobs/queue-keys.ts";

/**
 * Spreads topics and queues over several backends of one kind: each lives on one of them. An outage of one touches what
 * lives there only.
 */
export abstract class ShardedBackend implements Backend {
  readonly capabilities: Capabilities;
  readonly history?: HistoryBackend;
  readonly queues?: QueueBackend;
  readonly #keyOf: (topic: string) => string;
  #backends: readonly Backend[] = [];
  #isClosed = false;

  constructor({ capabilities, keyOf }: BackendFactory) {
    this.capabilities = capabilities;
    this.#keyOf = keyOf;
    if (capabilities.history) {
      this.history = {
        read: async (topic, query) => required(this.#backendOf(topic).history).read(topic, query),
      };
    }
    if (capabilities.workers) {
      this.queues = {
        enqueue: async (queue, payload, capacity) => this.#queuesOf(queue).enqueue(queue, payload, capacity),
        consume: async (queue, receiver, settings) =>
          this.#queuesOf(queue).consume(queue, receiver, settings),
      };
    }
  }

  /** Well if all parts are: a part of the topics is a part too many. */
  get health(): Health {
    if (this.#backends.length === 0) return { ok: false, reason: "The backend has not been opened." };
    return this.#backends.map(({ health }) => health).find(({ ok }) => !ok) ?? { ok: true };
  }

  async open(listener: BackendListener): Promise<void> {
    const backends = await this.create();
    if (this.#isClosed) throw new LayerClosedError();
    this.#backends = backends;
    const outcomes = await Promise.allSettled(backends.map((backend) => backend.open(listener)));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed === undefined) return;
    await this.#closeAll();
    throw failed.reason;
  }

  async publish(topic: string, payload: Uint8Array): Promise<void> {
    return this.#backendOf(topic).publish(topic, payload);
  }

  async subscribe(topic: string): Promise<void> {
    return this.#backendOf(topic).subscribe(topic);
  }

  async unsubscribe(topic: string): Promise<void> {
    return this.#backendOf(topic).unsubscribe(topic);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#closeAll();
  }

  /** Makes all backends, anew for each attempt to open them. */
  protected abstract create(): Promise<readonly Backend[]>;

  /** The one of them where the name `key` of Redis lives. */
  protected abstract backendAt(key: string): Backend;

  #backendOf(topic: string): Backend {
    return this.backendAt(this.#keyOf(topic));
  }

  #queuesOf(queue: string): QueueBackend {
    return required(this.backendAt(queueKeys(queue).tag).queues);
  }

  async #closeAll(): Promise<void> {
    await Promise.all(this.#backends.map((backend) => backend.close()));
  }
}

/** A part that a kind of backend has by its capabilities. */
export function required<T>(part: T | undefined): T {
  if (part === undefined) throw new UnsupportedError("A backend lacks what its kind is said to have.");
  return part;
}
