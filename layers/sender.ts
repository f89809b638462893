import type { Backend } from "./backend.ts";
import type { Counters } from "./counters.ts";
import { QueueFullError } from "./errors.ts";
import type { JobQueues } from "./jobs/job-queues.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Message } from "./message.ts";
import { type Envelope, encode } from "./wire/codec.ts";
import type { Sealing } from "./wire/encryption.ts";

/** Turns a node's messages into payloads, and hands those to the backend, counted. */
export class Sender {
  readonly #backend: Backend;
  readonly #queues: JobQueues;
  readonly #lifecycle: Lifecycle;
  readonly #sealing: Sealing;
  readonly #counters: Counters;

  constructor(
    backend: Backend,
    queues: JobQueues,
    lifecycle: Lifecycle,
    sealing: Sealing,
    counters: Counters,
  ) {
    this.#backend = backend;
    this.#queues = queues;
    this.#lifecycle = lifecycle;
    this.#sealing = sealing;
    this.#counters = counters;
  }

  /** To every node that has subscribed to `topic`. */
  publish(topic: string, message: Message, envelope?: Envelope): Promise<void> {
    return this.#carry(message, envelope, (payload) => this.#backend.publish(topic, payload));
  }

  /**
   * To the queue of a named channel.
   *
   * @throws {UnsupportedError}
   */
  enqueue(channel: string, message: Message, envelope?: Envelope): Promise<void> {
    // Said at once, and not counted as an outage.
    void this.#queues.target;
    return this.#carry(message, envelope, (payload) => this.#queues.enqueue(channel, payload));
  }

  #carry(
    message: Message,
    envelope: Envelope | undefined,
    hand: (payload: Uint8Array) => Promise<void>,
  ): Promise<void> {
    // Encoded here and now: the sender may change its message while the layer is still opening.
    const payload = this.#sealing.seal(encode(message, envelope));
    return this.#lifecycle.run(async () => {
      try {
        await hand(payload);
      } catch (error) {
        this.#counters.drop(error instanceof QueueFullError ? "queue-full" : "unavailable");
        throw error;
      }
      this.#counters.published += 1;
    });
  }
}
