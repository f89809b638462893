import { callOwned, runOwned } from "../async-errors.ts";
import type { Consumption, JobDelivery, JobOutcome, QueueBackend, QueueReceiver } from "../backend.ts";
import { checkInteger } from "../check-integer.ts";
import type { LayerMetrics } from "../counters.ts";
import { CallbackOwner, type ErrorListener } from "../error-reporter.ts";
import { LayerClosedError, QueueFullError, UnsupportedError } from "../errors.ts";
import { LimitsByName } from "../limits-by-name.ts";
import type { Message } from "../message.ts";
import { deadSuffix } from "../names.ts";
import type { ChannelLayerOptions, JobAddress } from "../options.ts";
import type { Decoded } from "../wire/codec.ts";
import type { PayloadDecoder } from "../wire/payload-decoder.ts";
import type { Topics } from "../wire/topics.ts";

/** The options of a consumer of a named channel. */
export interface ConsumeOptions {
  /** The maximum number of messages handled at the same time. Above 1, their order may change. @default 1 */
  readonly concurrency?: number;
  /** The number of deliveries after which a message goes to the dead letters. @default 3 */
  readonly maxDeliveries?: number;
  /**
   * Milliseconds that a process may be unreachable before its messages go to other workers: 100 to 86400000.
   * A handler of a reachable process may take longer. All consumers of a channel should use the same value.
   * @default 30_000
   */
  readonly claimAfterMs?: number;
  /** The pause before the first retry, in milliseconds. Doubles with each retry, up to 5 s. @default 100 */
  readonly retryAfterMs?: number;
  /**
   * Called before a message moves to the dead letters. `error` is the last error of the handler, or
   * states that workers died. If `onDead` returns a promise, the message moves once the promise has settled.
   * An error of `onDead` is reported. If the process dies before the move, `onDead` may be called again.
   */
  readonly onDead?: (message: Message, delivery: JobDelivery, error: unknown) => unknown;
  /**
   * Called after a message is handled and removed. `result` is the result of the handler. At most one consumer
   * of a message calls `onDone` or `onDead`. If the process dies after the removal, `onDone` is not called. An
   * error of `onDone` is reported.
   */
  readonly onDone?: (message: Message, delivery: JobDelivery, result: unknown) => unknown;
}

/** Handles one message of a named channel. If the returned promise rejects, the message is retried. */
export type JobHandler<T> = (message: T, delivery: JobDelivery) => unknown;

/** The longest pause before a retry, in milliseconds, unless `retryAfterMs` is longer. */
const maxRetryMs = 5_000;

const forever = Number.MAX_SAFE_INTEGER;

const dayMs = 24 * 60 * 60 * 1_000;

interface ReceiverOptions extends Required<Omit<ConsumeOptions, "concurrency" | "claimAfterMs">> {
  readonly owner: CallbackOwner;
}

interface JobContext {
  readonly decoder: PayloadDecoder;
  readonly metrics: LayerMetrics;
  readonly report: ErrorListener;
}

/** The named channels of one node. Adds decoding, counters and error reports to the queues of a backend. */
export class JobQueues {
  readonly #backend: QueueBackend | undefined;
  readonly #topics: Topics;
  readonly #capacity: LimitsByName;
  readonly #expiryMs: LimitsByName;
  readonly #context: JobContext;
  readonly #consumptions = new Set<Consumption>();
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
  sender(channel: string): (payload: Uint8Array) => Promise<void> {
    const backend = this.#supported(
      "it can send only to channels from newChannel(), whose names contain '!'",
    );
    const queue = this.#topics.queue(channel);
    const capacity = this.#capacity.resolve(channel);
    return async (payload) => {
      if (await backend.enqueue(queue, payload, capacity)) return;
      throw new QueueFullError(
        `"${channel}" holds ${capacity} messages and is full. Start more workers, or send fewer.`,
      );
    };
  }

  /** @throws {InvalidOptionError} for a number that is out of range. */
  async consume(
    channel: string,
    handler: JobHandler<Message>,
    options: ConsumeOptions,
  ): Promise<Consumption> {
    const { concurrency = 1, maxDeliveries = 3, claimAfterMs = 30_000, retryAfterMs = 100 } = options;
    const { onDead = () => {}, onDone = () => {} } = options;
    checkInteger("concurrency", concurrency);
    checkInteger("maxDeliveries", maxDeliveries);
    checkInteger("claimAfterMs", claimAfterMs, { min: 100, max: dayMs });
    checkInteger("retryAfterMs", retryAfterMs, { min: 0, max: dayMs });
    const backend = this.#supported(`it cannot consume "${channel}"`);
    const owner = new CallbackOwner(this.#context.report, { stage: "consume", channel });
    const receiver = this.#receiver(channel, handler, { maxDeliveries, retryAfterMs, onDead, onDone, owner });
    const settings = { concurrency, claimAfterMs };
    const queue = this.#topics.queue(channel);
    // The backend and `close` abort signals, so they run owned: the handlers may listen to these signals.
    const consumed = await runOwned(owner, () => backend.consume(queue, receiver, settings));
    const consumption = { close: () => runOwned(owner, () => consumed.close()) };
    if (this.#isClosed) {
      await consumption.close();
      throw new LayerClosedError();
    }
    this.#consumptions.add(consumption);
    const close = async () => {
      await consumption.close();
      this.#consumptions.delete(consumption);
    };
    return { close };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#consumptions].map((consumption) => consumption.close()));
    this.#consumptions.clear();
  }

  #supported(consequence: string): QueueBackend {
    if (this.#backend !== undefined) return this.#backend;
    throw new UnsupportedError(
      `This layer has no work queues, so ${consequence}. Use MemoryLayer or RedisStreamsLayer instead.`,
    );
  }

  #receiver(
    channel: string,
    handler: JobHandler<Message>,
    { maxDeliveries, retryAfterMs, onDead, onDone, owner }: ReceiverOptions,
  ): QueueReceiver {
    const { decoder, metrics } = this.#context;
    const topic = this.#topics.queue(channel);
    const report: ErrorListener = (error, facts) => this.#context.report(error, { channel, ...facts });
    const expiryMs = channel.endsWith(deadSuffix) ? forever : this.#expiryMs.resolve(channel);
    const call = async (delivery: JobDelivery, callback: () => unknown): Promise<void> => {
      try {
        await callOwned(owner, callback);
      } catch (failure) {
        report(failure, { stage: "consume", attempt: delivery.attempt });
      }
    };
    const bury = ({ message }: Decoded, delivery: JobDelivery, error: unknown): JobOutcome => ({
      beforeDead: () => {
        metrics.drop("dead-letter");
        report(error, { stage: "consume", attempt: delivery.attempt });
        return call(delivery, () => onDead(message, delivery, error));
      },
    });
    return {
      async job(payload, attempt, signal, ageMs): Promise<JobOutcome> {
        metrics.received += 1;
        if (attempt === 1 && ageMs > expiryMs) {
          metrics.drop("expired");
          return "done";
        }
        const decoded = decoder.decode(topic, payload, report);
        if (decoded === undefined) return "dead";
        const delivery: JobDelivery = Object.freeze({ attempt, signal, ...addressOf(decoded) });
        if (attempt > maxDeliveries) {
          const error = new Error(
            `The workers that handled a message of "${channel}" died ${maxDeliveries} times.`,
          );
          return bury(decoded, delivery, error);
        }
        let result: unknown;
        try {
          result = await callOwned(owner, handler, decoded.message, delivery);
        } catch (error) {
          // If only one delivery is allowed, an aborted handler counts as failed.
          if (maxDeliveries > 1 && isAbort(error, signal)) return "given-back";
          if (attempt >= maxDeliveries) return bury(decoded, delivery, error);
          report(error, { stage: "consume", attempt });
          const ceiling = Math.max(maxRetryMs, retryAfterMs);
          return { againAfterMs: Math.min(retryAfterMs * 2 ** (attempt - 1), ceiling) };
        }
        metrics.consumed += 1;
        return { afterDone: () => call(delivery, () => onDone(decoded.message, delivery, result)) };
      },
      error: (error) => report(error, { stage: "layer" }),
    };
  }
}

/** Any program with access to the queue may have written the envelope, so its types have to be checked. */
function addressOf({ envelope }: Decoded): JobAddress {
  const { replyTo, job } = envelope ?? {};
  return {
    ...(typeof replyTo === "string" && { replyTo }),
    ...(typeof job === "string" && { job }),
  };
}

/** Whether an abort caused `error`. Node's APIs reject with an `AbortError`, and `fetch` with `reason`. */
function isAbort(error: unknown, { aborted, reason }: AbortSignal): boolean {
  return aborted && (error === reason || (error instanceof Error && error.name === "AbortError"));
}
