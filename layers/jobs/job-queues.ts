import { runOwned } from "../async-errors.ts";
import type { JobNumber, QueueBackend } from "../backend.ts";
import { checkInteger, maxDelayMs } from "../check-integer.ts";
import type { LayerMetrics } from "../counters.ts";
import { CallbackOwner, type ErrorListener } from "../error-reporter.ts";
import { LayerClosedError, QueueFullError, UnsupportedError } from "../errors.ts";
import { LimitsByName } from "../limits-by-name.ts";
import type { Message } from "../message.ts";
import { deadSuffix } from "../names.ts";
import type { ChannelLayerOptions } from "../options.ts";
import { type JobConsumption, oldestFirst, type RunningJob, RunningJobs } from "../running-jobs.ts";
import type { LayerTracer } from "../tracing.ts";
import type { PayloadDecoder } from "../wire/payload-decoder.ts";
import type { Topics } from "../wire/topics.ts";
import type { ConsumeOptions, JobHandler } from "./consume-options.ts";
import { JobReceiver } from "./job-receiver.ts";

const forever = Number.MAX_SAFE_INTEGER;

const dayMs = 24 * 60 * 60 * 1_000;

interface JobContext {
  readonly decoder: PayloadDecoder;
  readonly metrics: LayerMetrics;
  readonly report: ErrorListener;
  readonly tracer: () => LayerTracer | undefined;
}

/** The named channels of one node. Adds decoding, counters and error reports to the queues of a backend. */
export class JobQueues {
  readonly #backend: QueueBackend | undefined;
  readonly #topics: Topics;
  readonly #capacity: LimitsByName;
  readonly #expiryMs: LimitsByName;
  readonly #context: JobContext;
  /** The consumptions, and their channels. */
  readonly #consumptions = new Map<JobConsumption, string>();
  #isClosed = false;

  /** @throws {InvalidOptionError} for an invalid capacity or expiry. */
  constructor(
    backend: QueueBackend | undefined,
    topics: Topics,
    { queueCapacity, queueExpiryMs }: Pick<ChannelLayerOptions, "queueCapacity" | "queueExpiryMs">,
    context: JobContext,
  ) {
    this.#backend = backend;
    this.#topics = topics;
    this.#capacity = new LimitsByName(queueCapacity, { option: "queueCapacity", fallback: 10_000 });
    this.#expiryMs = new LimitsByName(queueExpiryMs, { option: "queueExpiryMs", fallback: forever });
    this.#context = context;
  }

  /** Returns a function that appends a payload to the queue of `channel`. @throws {UnsupportedError} */
  sender(channel: string, once?: JobNumber): (payload: Uint8Array) => Promise<void> {
    const backend = this.#supported(
      "it can send only to channels from newChannel(), whose names contain '!'",
    );
    const queue = this.#topics.queue(channel);
    const capacity = this.#capacity.resolve(channel);
    return async (payload) => {
      if (await backend.enqueue(queue, payload, capacity, once)) return;
      throw new QueueFullError(
        `"${channel}" holds ${capacity} messages and is full. Start more workers, or send fewer.`,
      );
    };
  }

  /** The jobs that run on this node. The longest-running job is first. */
  get running(): readonly RunningJob[] {
    return oldestFirst([...this.#consumptions.keys()].map(({ running }) => running));
  }

  get channels(): readonly string[] {
    return [...new Set(this.#consumptions.values())];
  }

  /** @throws {InvalidOptionError} for a number that is out of range. */
  async consume(
    channel: string,
    handler: JobHandler<Message>,
    options: ConsumeOptions,
  ): Promise<JobConsumption> {
    const { concurrency = 1, maxDeliveries = 3, claimAfterMs = 30_000, retryAfterMs = 100 } = options;
    const { timeoutMs, onDone = () => {}, onDead = () => {}, onExpired = () => {} } = options;
    checkInteger("concurrency", concurrency);
    checkInteger("maxDeliveries", maxDeliveries);
    checkInteger("claimAfterMs", claimAfterMs, { min: 100, max: dayMs });
    checkInteger("retryAfterMs", retryAfterMs, { min: 0, max: dayMs });
    if (timeoutMs !== undefined) checkInteger("timeoutMs", timeoutMs, { max: maxDelayMs });
    const backend = this.#supported(`it cannot consume "${channel}"`);
    const owner = new CallbackOwner(this.#context.report, { stage: "consume", channel });
    const expiryMs = channel.endsWith(deadSuffix) ? forever : this.#expiryMs.resolve(channel);
    const running = new RunningJobs(channel);
    const topic = this.#topics.queue(channel);
    const receiver = new JobReceiver({
      ...{
        channel,
        topic: this.#topics.originOfJobs(channel),
        handler,
        maxDeliveries,
        retryAfterMs,
        timeoutMs,
        expiryMs,
      },
      ...{ onDone, onDead, onExpired, owner, running, ...this.#context },
      report: (error, facts) => this.#context.report(error, { channel, ...facts }),
    });
    const settings = { concurrency, claimAfterMs, measuresAge: expiryMs !== forever };
    // The backend and `close` abort signals, so they run owned: the handlers may listen to these signals.
    const consumed = await runOwned(owner, () => backend.consume(topic, receiver, settings));
    const close = async () => {
      await runOwned(owner, () => consumed.close());
      this.#consumptions.delete(consumption);
    };
    const consumption: JobConsumption = {
      close,
      get running() {
        return running.list;
      },
    };
    this.#consumptions.set(consumption, channel);
    if (!this.#isClosed) return consumption;
    await close();
    throw new LayerClosedError();
  }

  /** Deletes the queue of `channel` and returns the number of its messages. @throws {UnsupportedError} */
  delete(channel: string): Promise<number> {
    const backend = this.#supported(`it has no named channel "${channel}" to delete`);
    return backend.delete(this.#topics.queue(channel));
  }

  /** Returns the number of messages in the queue of `channel`. @throws {UnsupportedError} */
  size(channel: string): Promise<number> {
    const backend = this.#supported(`it has no named channel "${channel}" to measure`);
    return backend.size(this.#topics.queue(channel));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#consumptions.keys()].map((consumption) => consumption.close()));
    this.#consumptions.clear();
  }

  #supported(consequence: string): QueueBackend {
    if (this.#backend !== undefined) return this.#backend;
    throw new UnsupportedError(
      `This layer has no work queues, so ${consequence}. Use MemoryLayer or RedisStreamsLayer instead.`,
    );
  }
}
