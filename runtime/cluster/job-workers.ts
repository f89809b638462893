import { randomUUID } from "node:crypto";
import type { SubmitOptions } from "../../actors/index.ts";
import type { JobDelivery } from "../../layers/backend.ts";
import { checkInteger } from "../../layers/check-integer.ts";
import type { ErrorListener } from "../../layers/error-reporter.ts";
import { LayerClosedError } from "../../layers/errors.ts";
import type { Message } from "../../layers/message.ts";
import { checkQueue } from "../../layers/names.ts";
import { valueThroughCodec } from "../../layers/through-codec.ts";
import { AsyncErrorOwner, runOwned } from "../async-error-owner.ts";
import { HandlerTimeoutError, RuntimeClosedError } from "../errors.ts";
import { failureText } from "../mailbox/ask-envelope.ts";
import type { Cluster } from "./cluster.ts";

export interface JobWorkerOptions {
  /** The alias of the channel's layer. @default the control layer */
  readonly layer?: string;
  /** How many jobs run at once, at most. Only with 1 they run in order. @default 1 */
  readonly concurrency?: number;
  /** How many times a job is tried before it becomes a dead letter. @default 3 */
  readonly attempts?: number;
  /**
   * How long a process may be out of reach, in milliseconds, before other processes get its jobs. All workers of a channel
   * should have the same value. @default 30_000
   */
  readonly claimAfterMs?: number;
  /**
   * Called with a job that has failed for good and is about to become a dead letter. `error` is the error of the last
   * attempt, or says that the workers died. The submitter is told anyway. An error of this function is reported.
   */
  readonly onFailed?: (message: Message, job: Pick<Job, "id" | "attempt">, error: unknown) => unknown;
}

/** A job that a worker handles. */
export interface Job {
  /** The id that `submit` returned; undefined if the job was sent over the layer. */
  readonly id: string | undefined;
  /** How many times the job was given to a handler, this time included. */
  readonly attempt: number;
  /**
   * Aborted if the worker closes, or if another worker got the job. A handler that rejects with its reason, or with any
   * `AbortError`, has not failed: the job is given to another worker.
   */
  readonly signal: AbortSignal;
  /**
   * Sends the job's progress to the submitter: any value that a message can hold, as it is at the moment of the call.
   * At most once, in order.
   *
   * @throws {InvalidMessageError} if no message can hold the value.
   */
  progress(value: unknown): void;
}

/** Handles a job. The submitter gets the returned value; the job is tried again if the handler throws or rejects. */
export type WorkHandler<T extends Message = Message> = (message: T, job: Job) => unknown;

/** Handles the jobs of a channel. */
export interface JobWorker {
  /**
   * Takes no more jobs, aborts the signals of the running ones, and waits for them. May be called twice. The worker's own
   * handler MUST NOT await it: each would wait for the other until the runtime closes.
   */
  close(): Promise<void>;
}

/** The job workers of one runtime, and the jobs that it submits. */
export class JobWorkers {
  readonly #cluster: Cluster;
  readonly #report: ErrorListener;
  readonly #open = new Set<JobWorker>();
  /** By running handler: rejects its job. */
  readonly #abandoning = new Set<() => void>();
  #isClosing = false;

  constructor(cluster: Cluster, report: ErrorListener) {
    this.#cluster = cluster;
    this.#report = report;
  }

  /** @throws as {@link Runtime.worker} does. */
  async start(
    channel: string,
    handler: WorkHandler,
    { layer: alias, attempts = 3, onFailed = () => {}, ...options }: JobWorkerOptions,
  ): Promise<JobWorker> {
    if (this.#isClosing) throw new RuntimeClosedError();
    if (typeof handler !== "function") {
      throw new TypeError(
        `A worker of "${channel}" needs a function that does its jobs, not ${typeof handler}.`,
      );
    }
    checkInteger("attempts", attempts);
    const layer = this.#cluster.layer(alias, `The channel "${channel}"`);
    this.#cluster.start();
    const consumption = await layer.consume<Message>(
      channel,
      (message, delivery) => this.#handle(channel, handler, message, delivery),
      {
        ...options,
        maxDeliveries: attempts,
        onDead: async (message, delivery, error) => {
          await this.#tell(delivery, { type: "job_failed", reason: failureText(error) });
          await onFailed(message, { id: delivery.job, attempt: delivery.attempt }, error);
        },
      },
    );
    const worker: JobWorker = {
      close: async () => {
        await consumption.close();
        this.#open.delete(worker);
      },
    };
    this.#open.add(worker);
    if (this.#isClosing) {
      await worker.close();
      throw new RuntimeClosedError();
    }
    return worker;
  }

  /** @returns the job's id. */
  async submit(channel: string, message: Message, { layer, replyTo }: SubmitOptions): Promise<string> {
    checkQueue(channel);
    if (replyTo !== undefined) this.#cluster.checkActor(replyTo);
    const job = randomUUID();
    await this.#cluster
      .layer(layer, `The channel "${channel}"`)
      .send(channel, message, { job, ...(replyTo !== undefined && { replyTo }) });
    return job;
  }

  /** Closes all workers. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([...this.#open].map((worker) => worker.close()));
  }

  /** Waits no longer for running handlers: their jobs are given to other workers, and their results are ignored. */
  abandon(): void {
    for (const abandon of [...this.#abandoning]) abandon();
  }

  async #handle(
    channel: string,
    handler: WorkHandler,
    message: Message,
    delivery: JobDelivery,
  ): Promise<void> {
    const { attempt, signal, job: id } = delivery;
    // One after the other, so that they arrive in order.
    let telling = Promise.resolve();
    const tell = (update: Message) => {
      telling = telling.then(() => this.#tell(delivery, update));
    };
    let isOver = false;
    const progress = (value: unknown) => {
      if (!isOver) tell({ type: "job_progress", value: copyOf(value) });
    };
    try {
      const job = Object.freeze({ id, attempt, signal, progress });
      tell(resultOf(await this.#run(channel, () => handler(message, job))));
    } finally {
      isOver = true;
      await telling;
    }
  }

  /** Tells the submitter of a job. Never rejects. */
  async #tell({ replyTo, job }: JobDelivery, update: Message): Promise<void> {
    if (replyTo === undefined || job === undefined) return;
    try {
      await this.#cluster.send(replyTo, { ...update, job });
    } catch (error) {
      if (!(error instanceof LayerClosedError)) this.#report(error, { stage: "worker", what: update.type });
    }
  }

  #run(channel: string, work: () => unknown): Promise<unknown> {
    // An error in what the handler leaves behind is reported: there is no actor that could fail.
    const owner = new AsyncErrorOwner(undefined, "worker", channel, this.#report);
    return new Promise((resolve, reject) => {
      const abandon = () => {
        reject(
          new HandlerTimeoutError(
            `A job of "${channel}" still ran when the runtime had to close: have its handler heed \`signal\`.`,
          ),
        );
      };
      this.#abandoning.add(abandon);
      runOwned(owner, async () => work())
        .then(resolve, reject)
        .finally(() => this.#abandoning.delete(abandon));
    });
  }
}

const copyOf = (value: unknown) => valueThroughCodec(value, "A value about a job");

/** The last message about a job. The job is done even if its result cannot be sent. */
function resultOf(value: unknown): Message {
  try {
    return { type: "job_done", value: copyOf(value) };
  } catch (error) {
    return { type: "job_failed", reason: `what it returned cannot be sent: ${failureText(error)}` };
  }
}
