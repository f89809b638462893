import type { Consumption, Health, QueueBackend, QueueReceiver, QueueSettings } from "../../backend.ts";
import type { Clock } from "../../clock.ts";
import { LayerClosedError, LayerUnavailableError } from "../../errors.ts";
import { JobWorker } from "../../jobs/job-worker.ts";
import { asBuffer } from "../connection/as-buffer.ts";
import { UnansweredBytes } from "../connection/in-flight-bytes.ts";
import { RedisConnection } from "../connection/redis-connection.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { queueKeys } from "./queue-keys.ts";
import { enqueueScript, runOrdered } from "./queue-scripts.ts";
import { RedisQueueSource } from "./queue-source.ts";

/**
 * Work queues on Redis streams, from Redis 7 on: a stream and a consumer group for each queue. An entry is in the
 * stream until its job is done.
 *
 * It connects when it is first used: one connection to send and to say what became of jobs, and one for each
 * consumption to wait on. Both come back by themselves after an outage.
 */
export class RedisQueues implements QueueBackend {
  readonly #server: RedisServer;
  readonly #onError: (error: Error) => void;
  readonly #clock: Clock;
  readonly #sources = new Set<RedisQueueSource>();
  readonly #workers = new Set<Consumption>();
  readonly #unanswered = new UnansweredBytes();
  #link: RedisConnection | undefined;
  #opening: Promise<RedisConnection> | undefined;
  #closing: Promise<void> | undefined;

  /** @param onError hears of failures that no caller awaits. */
  constructor(server: RedisServer, onError: (error: Error) => void, clock: Clock) {
    this.#server = server;
    this.#onError = onError;
    this.#clock = clock;
  }

  /** Whether all is well with the connections that are in use; none is before the first job. */
  get health(): Health {
    const outages = [this.#link, ...this.#sources].map((part) => part?.outage);
    const outage = outages.find((error) => error !== undefined);
    return outage === undefined ? { ok: true } : { ok: false, reason: outage.message };
  }

  /** @throws {LayerUnavailableError} */
  async enqueue(queue: string, payload: Uint8Array, capacity: number): Promise<boolean> {
    if (this.#unanswered.isFull) throw this.#overtaxed;
    const bytes = asBuffer(payload);
    const { stream } = queueKeys(queue);
    const isAdded = await this.#unanswered.during(bytes.length, async () => {
      const link = await this.#connected();
      return link.run((redis) => runOrdered(redis, enqueueScript, [stream], capacity, bytes));
    });
    return isAdded === 1;
  }

  /** @throws {LayerUnavailableError} */
  async consume(
    queue: string,
    receiver: QueueReceiver,
    { concurrency, claimAfterMs }: QueueSettings,
  ): Promise<Consumption> {
    const commands = await this.#connected();
    const settings = { server: this.#server, clock: this.#clock, commands, claimAfterMs };
    const source = new RedisQueueSource(queue, receiver, settings);
    this.#sources.add(source);
    try {
      await source.open();
    } catch (error) {
      this.#sources.delete(source);
      throw error;
    }
    if (this.#closing !== undefined) {
      await source.close();
      throw new LayerClosedError();
    }
    const worker = new JobWorker(source, receiver, concurrency, this.#clock);
    this.#workers.add(worker);
    const close = async () => {
      await worker.close();
      this.#workers.delete(worker);
      this.#sources.delete(source);
    };
    return { close };
  }

  /** Waits for the handlers that run. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.close()));
    // Those that are only opening: they have no worker yet.
    await Promise.all([...this.#sources].map((source) => source.close()));
    this.#sources.clear();
    await this.#link?.close();
  }

  get #overtaxed(): LayerUnavailableError {
    return new LayerUnavailableError(
      `Redis at ${this.#server.address} does not keep up with what is sent (queues)`,
    );
  }

  /** The connection for commands: made when it is first needed, and again if that fails. */
  #connected(): Promise<RedisConnection> {
    if (this.#closing !== undefined) return Promise.reject(new LayerClosedError());
    this.#opening ??= this.#connect().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #connect(): Promise<RedisConnection> {
    const up = () => {
      for (const source of this.#sources) source.renew();
    };
    const link = new RedisConnection(
      "queues",
      this.#server,
      { up, down() {}, error: this.#onError },
      this.#clock,
    );
    this.#link = link;
    await link.open();
    return link;
  }
}
