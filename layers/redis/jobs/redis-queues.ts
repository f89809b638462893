import type { Consumption, Health, QueueBackend, QueueReceiver, QueueSettings } from "../../backend.ts";
import type { Clock } from "../../clock.ts";
import { LayerClosedError, LayerUnavailableError } from "../../errors.ts";
import { JobWorker } from "../../jobs/job-worker.ts";
import { InFlightBytes } from "../connection/in-flight-bytes.ts";
import { RedisConnection } from "../connection/redis-connection.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { enqueueScript, queueKeys, runOrdered } from "./queue-scripts.ts";
import { RedisQueueSource } from "./queue-source.ts";

/**
 * Work queues on Redis streams. Requires Redis 7. Each job stays in its queue's stream until the job is done.
 * The first use opens a connection to send jobs and outcomes. Each consumption opens another to read jobs.
 */
export class RedisQueues implements QueueBackend {
  readonly #server: RedisServer;
  readonly #onError: (error: Error) => void;
  readonly #clock: Clock;
  readonly #sources = new Map<RedisQueueSource, () => Promise<void>>();
  readonly #inFlight = new InFlightBytes();
  #connection: RedisConnection | undefined;
  #opening: Promise<RedisConnection> | undefined;
  #closing: Promise<void> | undefined;

  /** @param onError called with errors that do not reject any call. */
  constructor(server: RedisServer, onError: (error: Error) => void, clock: Clock) {
    this.#server = server;
    this.#onError = onError;
    this.#clock = clock;
  }

  get health(): Health {
    const outages = [this.#connection, ...this.#sources.keys()].map((part) => part?.outage);
    const outage = outages.find((error) => error !== undefined);
    return outage === undefined ? { ok: true } : { ok: false, reason: outage.message };
  }

  /** @throws {LayerUnavailableError} */
  async enqueue(queue: string, payload: Uint8Array, capacity: number): Promise<boolean> {
    if (this.#inFlight.isFull) {
      const { address } = this.#server;
      throw new LayerUnavailableError(`Redis at ${address} replies too slowly (queues)`);
    }
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const { stream } = queueKeys(queue);
    const isAdded = await this.#inFlight.during(bytes.length, async () => {
      const connection = await this.#connected();
      const label = { command: "EVAL", kind: "enqueue", keys: [stream], addsData: true };
      return connection.run((redis) => runOrdered(redis, enqueueScript, [stream], capacity, bytes), label);
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
    this.#sources.set(source, () => source.close());
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
    const close = async () => {
      await worker.close();
      this.#sources.delete(source);
    };
    this.#sources.set(source, close);
    return { close };
  }

  /** Waits for running handlers. A second call returns the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#sources.values()].map((close) => close()));
    await this.#connection?.close();
  }

  /** The command connection. It is opened at the first use. If that fails, the next use tries again. */
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
      for (const source of this.#sources.keys()) source.renew();
    };
    const connection = new RedisConnection(
      "queues",
      this.#server,
      { up, down() {}, error: this.#onError },
      this.#clock,
    );
    this.#connection = connection;
    await connection.open();
    return connection;
  }
}
