import type { Redis } from "ioredis";
import type {
  Consumption,
  Health,
  JobNumber,
  QueueBackend,
  QueueReceiver,
  QueueSettings,
} from "../../backend.ts";
import type { Clock } from "../../clock.ts";
import { LayerClosedError } from "../../errors.ts";
import { JobWorker } from "../../jobs/job-worker.ts";
import { LazyConnection } from "../connection/lazy-connection.ts";
import { type CommandLimits, commandLimits } from "../connection/pubsub-settings.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { LifeSigns } from "./life-signs.ts";
import { defaultQueueIdleMs, deleteQueue } from "./queue-lifetime.ts";
import { QueueLoss } from "./queue-loss.ts";
import { enqueueOnceScript, enqueueScript, queueKeys, runOrdered, senderKeys } from "./queue-scripts.ts";
import { RedisQueueSource } from "./queue-source.ts";

export interface RedisQueuesOptions {
  /** Milliseconds after which an empty queue without workers expires. @default 7 days */
  readonly queueIdleMs?: number;
  /** The limits of the calls that wait for a connection. */
  readonly limits?: CommandLimits;
}

/**
 * Work queues on Redis streams. Requires Redis 7. Each job stays in its queue's stream until the job is done.
 * The first use opens a connection to send jobs and outcomes. Each consumption opens another to read jobs.
 * Calls of `enqueue` and `consume` wait in an outage, as {@link CommandQueueOptions} permit.
 */
export class RedisQueues implements QueueBackend {
  readonly #server: RedisServer;
  readonly #clock: Clock;
  readonly #queueIdleMs: number;
  readonly #sources = new Map<RedisQueueSource, () => Promise<void>>();
  readonly #connection: LazyConnection;
  readonly #lifeSigns: LifeSigns;
  #closing: Promise<void> | undefined;

  /** @param onError called with errors that do not reject any call. */
  constructor(
    server: RedisServer,
    onError: (error: Error) => void,
    clock: Clock,
    { queueIdleMs = defaultQueueIdleMs, limits = commandLimits() }: RedisQueuesOptions = {},
  ) {
    this.#server = server;
    this.#clock = clock;
    this.#queueIdleMs = queueIdleMs;
    let client: Redis;
    let wasUp = false;
    const prepare = (redis: Redis) => {
      client = redis;
    };
    const up = () => {
      this.#lifeSigns.connected(client);
      if (wasUp) for (const source of this.#sources.keys()) source.reconnected();
      wasUp = true;
    };
    const listener = { prepare, up, down() {}, error: onError };
    this.#connection = new LazyConnection("queues", server, listener, limits, clock);
    this.#lifeSigns = new LifeSigns(server.connectTimeoutMs, clock, () => this.#connection.isUp, onError);
  }

  get health(): Health {
    const outages = [this.#connection, ...this.#sources.keys()].map((part) => part.outage);
    const outage = outages.find((error) => error !== undefined);
    return outage === undefined ? { ok: true } : { ok: false, reason: outage.message };
  }

  /** @throws {LayerUnavailableError} */
  async enqueue(queue: string, payload: Uint8Array, capacity: number, once?: JobNumber): Promise<boolean> {
    this.#refuseIfClosed();
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const { stream } = queueKeys(queue);
    const label = { command: "EVAL", kind: "enqueue", keys: [stream], addsData: true };
    const add = (redis: Redis) => {
      if (once === undefined) return runOrdered(redis, enqueueScript, [stream], capacity, bytes);
      const keys = [stream, ...senderKeys(stream)];
      return runOrdered(redis, enqueueOnceScript, keys, capacity, bytes, once.sender, once.number);
    };
    const isAdded = await this.#connection.runWhenUp(bytes.length, () => this.#connection.run(add, label));
    return isAdded === 1;
  }

  /** @throws {LayerUnavailableError} */
  async consume(
    queue: string,
    receiver: QueueReceiver,
    { concurrency, claimAfterMs, measuresAge = false }: QueueSettings,
  ): Promise<Consumption> {
    this.#refuseIfClosed();
    const commands = this.#connection;
    const settings = {
      server: this.#server,
      clock: this.#clock,
      commands,
      claimAfterMs,
      measuresAge,
      queueIdleMs: this.#queueIdleMs,
      loss: this.#lossOf(queue),
      lifeSigns: this.#lifeSigns,
    };
    const source = new RedisQueueSource(queue, receiver, settings);
    this.#sources.set(source, () => source.close());
    try {
      await commands.runWhenUp(0, async () => {
        this.#refuseIfClosed();
        await source.open();
      });
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

  /** @throws {LayerUnavailableError} */
  async delete(queue: string): Promise<number> {
    this.#refuseIfClosed();
    const keys = queueKeys(queue);
    const label = { command: "EVAL", kind: "delete", keys: [keys.stream] };
    const count = await this.#connection.runWhenUp(0, () =>
      this.#connection.run((redis) => deleteQueue(redis, keys), label),
    );
    // The renewals of this process find out that the queue is gone. Other processes notice it soon.
    for (const source of this.#sourcesOf(queue)) source.renew();
    return count;
  }

  /** @throws {LayerUnavailableError} */
  async size(queue: string): Promise<number> {
    this.#refuseIfClosed();
    const { stream } = queueKeys(queue);
    const label = { command: "XLEN", kind: "size", keys: [stream] };
    return this.#connection.runWhenUp(0, () => this.#connection.run((redis) => redis.xlen(stream), label));
  }

  /** Rejects the calls that wait for a connection. */
  abandon(): void {
    this.#connection.abandon();
  }

  /** Waits for running handlers. A second call returns the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #lossOf(queue: string): QueueLoss {
    const [source] = this.#sourcesOf(queue);
    const onGone = (isDeleted: boolean) => {
      for (const consumed of this.#sourcesOf(queue)) consumed.onQueueGone(isDeleted);
    };
    return source?.loss ?? new QueueLoss(queue, this.#server.address, onGone);
  }

  #sourcesOf(queue: string): RedisQueueSource[] {
    return [...this.#sources.keys()].filter((source) => source.queue === queue);
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#sources.values()].map((close) => close()));
    await this.#connection.close();
  }

  #refuseIfClosed(): void {
    if (this.#closing !== undefined) throw new LayerClosedError();
  }
}
