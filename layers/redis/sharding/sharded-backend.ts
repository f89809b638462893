import type {
  Backend,
  BackendListener,
  Capabilities,
  Health,
  HistoryBackend,
  QueueBackend,
} from "../../backend.ts";
import { LayerClosedError, UnsupportedError } from "../../errors.ts";
import type { StateBackend } from "../../state-backend.ts";
import type { BackendFactory, RedisBackend } from "../connection/backend-factory.ts";
import { ShardedState } from "./sharded-state.ts";

export interface Shards {
  readonly backends: readonly RedisBackend[];
  /** Returns the backend that is responsible for the Redis key `key`. */
  backendAt(key: string): RedisBackend;
}

/** Distributes topics and queues over backends. An outage of one backend does not affect the others. */
export class ShardedBackend implements Backend {
  readonly capabilities: Capabilities;
  readonly history?: HistoryBackend;
  readonly queues?: QueueBackend;
  readonly state?: StateBackend;
  readonly #factory: BackendFactory;
  readonly #createShards: () => Shards;
  #shards: Shards | undefined;
  #isClosed = false;

  /** @param createShards is called each time that `open` is called. */
  constructor(factory: BackendFactory, createShards: () => Shards) {
    this.#factory = factory;
    this.#createShards = createShards;
    this.capabilities = factory.capabilities;
    if (this.capabilities.history) {
      this.history = {
        read: async (topic, query) => required(this.#backendOf(topic).history).read(topic, query),
        position: (topic) => this.#backendOf(topic).history?.position?.(topic),
        secret: async (candidate) => {
          const { history } = required(this.#shards).backendAt(required(factory.secretKey));
          return required(history?.secret)(candidate);
        },
      };
    }
    if (this.capabilities.workers) {
      this.queues = {
        enqueue: async (queue, ...job) => this.#queuesOf(queue).enqueue(queue, ...job),
        delete: async (queue) => this.#queuesOf(queue).delete(queue),
        size: async (queue) => this.#queuesOf(queue).size(queue),
        consume: async (queue, ...how) => this.#queuesOf(queue).consume(queue, ...how),
      };
    }
    const { stateKeyOf } = factory;
    if (stateKeyOf !== undefined) {
      this.state = new ShardedState({
        all: () => this.#shards?.backends.map(({ state }) => required(state)) ?? [],
        at: (place) => required(required(this.#shards).backendAt(stateKeyOf(place)).state),
      });
    }
  }

  /** Healthy only if every shard is healthy. */
  get health(): Health {
    if (this.#shards === undefined) return { ok: false, reason: "The backend has not been opened." };
    return this.#shards.backends.map(({ health }) => health).find(({ ok }) => !ok) ?? { ok: true };
  }

  async open(listener: BackendListener): Promise<void> {
    if (this.#isClosed) throw new LayerClosedError();
    this.#shards = this.#createShards();
    const outcomes = await Promise.allSettled(this.#shards.backends.map((backend) => backend.open(listener)));
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

  /** See {@link RedisBackend.abandon}. */
  abandon(): void {
    for (const backend of this.#shards?.backends ?? []) backend.abandon();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#closeAll();
  }

  #backendOf(topic: string): Backend {
    return required(this.#shards).backendAt(this.#factory.keyOf(topic));
  }

  #queuesOf(queue: string): QueueBackend {
    return required(required(this.#shards).backendAt(this.#factory.queueKeyOf(queue)).queues);
  }

  async #closeAll(): Promise<void> {
    await Promise.all(this.#shards?.backends.map((backend) => backend.close()) ?? []);
  }
}

/** Returns `part`. The backend's capabilities or a previous `open` guarantee that `part` is defined. */
export function required<T>(part: T | undefined): T {
  if (part === undefined) throw new UnsupportedError("A backend lacks a part that its capabilities promise.");
  return part;
}
