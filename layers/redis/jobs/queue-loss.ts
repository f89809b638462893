import type { QueueReceiver } from "../../backend.ts";
import { QueueLostError } from "../../errors.ts";
import type { RedisQueueConsumer } from "./queue-consumer.ts";

/**
 * Notices that the keys of one queue are gone, and creates the queue again. All consumers of the queue in one
 * process share this object, so that each loss is reported once.
 */
export class QueueLoss {
  readonly #channel: string;
  readonly #address: string;
  readonly #onGone: (isDeleted: boolean) => void;
  #count = 0;
  #isOpen = false;
  /** The mark of the last known deletion. */
  #deletion: string | undefined;
  #recovering: Promise<void> | undefined;

  /** @param onGone called once if the queue was deleted or has vanished, after it was created again. */
  constructor(queue: string, address: string, onGone: (isDeleted: boolean) => void) {
    // A prefix does not contain the marker, but the name of a channel may.
    this.#channel = queue.replace(/^.*?__queue__/, "");
    this.#address = address;
    this.#onGone = onGone;
  }

  /** The number of times that the queue was gone. */
  get count(): number {
    return this.#count;
  }

  /** Whether the queue is the same as when `count` was read. */
  isSame(count: number): boolean {
    return count === this.#count && this.#recovering === undefined;
  }

  /** Creates the queue if it is missing. @throws {LayerUnavailableError} */
  async open(consumer: RedisQueueConsumer): Promise<void> {
    const deletion = await consumer.createGroup();
    // An earlier consumer may not have noticed a later deletion yet.
    if (!this.#isOpen) this.#deletion = deletion;
    this.#isOpen = true;
  }

  /**
   * Creates the queue again. Reports its loss to `receiver`, unless `deleteQueue` has deleted the queue.
   *
   * @param count the value of {@link count} when the command was sent that failed. If it is lower now, another
   *   consumer has already created the queue again.
   * @throws {LayerUnavailableError}
   */
  recover(consumer: RedisQueueConsumer, receiver: QueueReceiver, count: number): Promise<void> {
    if (count < this.#count) return Promise.resolve();
    this.#recovering ??= this.#recover(consumer, receiver).finally(() => {
      this.#recovering = undefined;
    });
    return this.#recovering;
  }

  async #recover(consumer: RedisQueueConsumer, receiver: QueueReceiver): Promise<void> {
    const deletion = await consumer.createGroup();
    const isDeleted = deletion !== undefined && deletion !== this.#deletion;
    this.#deletion = deletion;
    this.#count += 1;
    this.#onGone(isDeleted);
    if (!isDeleted) receiver.error(new QueueLostError(this.#text));
  }

  get #text(): string {
    return (
      `The queue "${this.#channel}" has vanished from Redis at ${this.#address}: its jobs are lost. Redis may ` +
      "have evicted it (maxmemory-policy has to be noeviction) or restarted without its data, or the key was deleted."
    );
  }
}
