import { callOwned } from "../async-errors.ts";
import type { JobDelivery, JobOutcome, QueueReceiver } from "../backend.ts";
import type { LayerMetrics } from "../counters.ts";
import type { CallbackOwner, ErrorListener } from "../error-reporter.ts";
import { InvalidMessageError, JobExpiredError, QueueLostError } from "../errors.ts";
import type { Message } from "../message.ts";
import type { JobAddress } from "../options.ts";
import type { RunningJobs } from "../running-jobs.ts";
import { type JobTrace, type LayerTracer, readTrace } from "../tracing.ts";
import type { Decoded } from "../wire/codec.ts";
import type { PayloadDecoder } from "../wire/payload-decoder.ts";
import type { ConsumeOptions, JobHandler } from "./consume-options.ts";
import { isAbort, TimeLimit } from "./time-limit.ts";

/** The longest pause before a retry, in milliseconds, unless `retryAfterMs` is longer. */
const maxRetryMs = 5_000;

export interface ReceiverOptions
  extends Required<
    Pick<ConsumeOptions, "maxDeliveries" | "retryAfterMs" | "onDone" | "onDead" | "onExpired">
  > {
  readonly channel: string;
  /** The topic of the queue to which the jobs were sent: see {@link Topics.originOfJobs}. */
  readonly topic: string;
  readonly handler: JobHandler<Message>;
  /** Milliseconds for one call of the handler. Undefined if the time is not limited. */
  readonly timeoutMs: number | undefined;
  /** The longest time until the first delivery of a message, in milliseconds. */
  readonly expiryMs: number;
  /** Owns the calls of the handler and of the other functions. */
  readonly owner: CallbackOwner;
  readonly decoder: PayloadDecoder;
  readonly metrics: LayerMetrics;
  readonly report: ErrorListener;
  readonly running: RunningJobs;
  /** Undefined unless jobs are traced. */
  readonly tracer: () => LayerTracer | undefined;
}

/** Decodes the jobs of one consumption, calls the handler, and decides what happens to each job. */
export class JobReceiver implements QueueReceiver {
  readonly #options: ReceiverOptions;

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  async job(payload: Uint8Array, attempt: number, signal: AbortSignal, ageMs: number): Promise<JobOutcome> {
    const { channel, topic, maxDeliveries, expiryMs, onDone, decoder, metrics, report } = this.#options;
    metrics.received += 1;
    const decoded = decoder.decodeAny(topic, payload, report);
    if (decoded === undefined) return "dead";
    const { message } = decoded;
    const limit = this.#limitOf(signal, attempt);
    const delivery: JobDelivery = Object.freeze({
      attempt,
      signal: limit?.signal ?? signal,
      ...(limit && { limit }),
      ...addressOf(decoded),
    });
    if (decoder.refuses(decoded)) return this.#refuse(message, delivery);
    if (attempt === 1 && ageMs > expiryMs) return this.#expire(message, delivery, ageMs);
    if (attempt > maxDeliveries) {
      const error = new Error(
        `The workers that handled a message of "${channel}" died ${maxDeliveries} times.`,
      );
      return this.#bury(message, delivery, error);
    }
    const trace = this.#traceOf(decoded, delivery);
    let result: unknown;
    try {
      result = await this.#handle(message, delivery, limit, trace);
      trace?.end();
    } catch (error) {
      // If only one delivery is allowed, an aborted handler counts as failed.
      const isGivenBack = maxDeliveries > 1 && isAbort(error, signal);
      trace?.end(isGivenBack ? undefined : { error });
      if (isGivenBack) return "given-back";
      if (attempt >= maxDeliveries) return this.#bury(message, delivery, error, trace);
      report(error, { stage: "consume", attempt });
      metrics.retried += 1;
      return { againAfterMs: this.#retryAfterMs(attempt) };
    }
    metrics.consumed += 1;
    const done = () => this.#call(onDone, message, delivery, result);
    return { afterDone: trace === undefined ? done : () => trace.run(done) };
  }

  error(error: Error): void {
    if (error instanceof QueueLostError) this.#options.metrics.drop("queue-lost");
    this.#options.report(error, { stage: "layer" });
  }

  #handle(
    message: Message,
    delivery: JobDelivery,
    limit: TimeLimit | undefined,
    trace: JobTrace | undefined,
  ): Promise<unknown> {
    const { handler, owner, running } = this.#options;
    const work = async () => callOwned(owner, handler, message, delivery);
    const call = trace === undefined ? work : () => trace.run(work);
    return running.during(delivery, () => limit?.run(call) ?? call());
  }

  #traceOf(
    { message: { type }, envelope }: Decoded,
    { attempt, job: id }: JobDelivery,
  ): JobTrace | undefined {
    const { channel, tracer } = this.#options;
    return tracer()?.job({ channel, type, attempt, id, trace: readTrace(envelope) });
  }

  #limitOf(signal: AbortSignal, attempt: number): TimeLimit | undefined {
    const { channel, timeoutMs, metrics, report } = this.#options;
    if (timeoutMs === undefined) return undefined;
    const limit: TimeLimit = new TimeLimit(signal, {
      channel,
      timeoutMs,
      onLate(error) {
        metrics.drop("late");
        if (error !== undefined && !isAbort(error, limit.signal))
          report(error, { stage: "consume", attempt });
      },
    });
    return limit;
  }

  #refuse(message: Message, delivery: JobDelivery): JobOutcome {
    const error = new InvalidMessageError(`The type ${JSON.stringify(message.type)} is reserved for XState.`);
    return { beforeDead: () => this.#call(this.#options.onDead, message, delivery, error) };
  }

  #expire(message: Message, delivery: JobDelivery, ageMs: number): JobOutcome {
    const { channel, expiryMs, metrics, onExpired } = this.#options;
    const error = new JobExpiredError(
      `No worker began a message of "${channel}" within ${expiryMs} ms (\`queueExpiryMs\`): ` +
        `it had waited for ${Math.floor(ageMs)} ms.`,
    );
    return {
      beforeDone: () => {
        metrics.drop("expired");
        return this.#call(onExpired, message, delivery, error);
      },
    };
  }

  #bury(message: Message, delivery: JobDelivery, error: unknown, trace?: JobTrace): JobOutcome {
    const { metrics, report, onDead } = this.#options;
    return {
      beforeDead: () => {
        metrics.drop("dead-letter");
        report(error, { stage: "consume", attempt: delivery.attempt });
        const call = () => this.#call(onDead, message, delivery, error);
        return trace === undefined ? call() : trace.run(call);
      },
    };
  }

  async #call<T>(
    callback: (message: Message, delivery: JobDelivery, detail: T) => unknown,
    message: Message,
    delivery: JobDelivery,
    detail: T,
  ): Promise<void> {
    const { owner, report } = this.#options;
    try {
      await callOwned(owner, callback, message, delivery, detail);
    } catch (failure) {
      report(failure, { stage: "consume", attempt: delivery.attempt });
    }
  }

  #retryAfterMs(attempt: number): number {
    const { retryAfterMs } = this.#options;
    return Math.min(retryAfterMs * 2 ** (attempt - 1), Math.max(maxRetryMs, retryAfterMs));
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
