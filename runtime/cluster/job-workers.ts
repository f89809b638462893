import { randomUUID } from "node:crypto";
import type { SubmitOptions } from "../../actors/index.ts";
import type { JobDelivery } from "../../layers/backend.ts";
import { checkInteger } from "../../layers/check-integer.ts";
import type { ErrorListener } from "../../layers/error-reporter.ts";
import { LayerClosedError } from "../../layers/errors.ts";
import type { Message } from "../../layers/message.ts";
import { checkQueue } from "../../layers/names.ts";
import { valueThroughCodec } from "../../layers/through-codec.ts";
import { AsyncErrorOwner, callOwned, isOwnedBy, runOwned } from "../async-error-owner.ts";
import { type IsRunning, rejectIfAwaitedInside } from "../deadlock.ts";
import { HandlerTimeoutError, RuntimeClosedError } from "../errors.ts";
import { failureText } from "../mailbox/ask-envelope.ts";
import type { Cluster } from "./cluster.ts";
import { outcomeOf } from "./local-asks.ts";

export interface JobWorkerOptions {
  /** The alias of the channel's layer. @default the control layer */
  readonly layer?: string;
  /** Maximum number of jobs that run at a time. If it exceeds 1, jobs may run out of order. @default 1 */
  readonly concurrency?: number;
  /** Number of attempts before a job becomes a dead letter. @default 3 */
  readonly attempts?: number;
  /**
   * Time in milliseconds after which the jobs of an unreachable process are delivered to other processes. All
   * workers of a channel should have the same value. @default 30_000
   */
  readonly claimAfterMs?: number;
  /**
   * Called before a job becomes a dead letter. `error` is the last attempt's error, or says that the workers
   * died. An error of this function is reported to `onError`; the submitter still receives `job_failed`.
   */
  readonly onFailed?: (message: Message, job: Pick<Job, "id" | "attempt">, error: unknown) => unknown;
}

/** A job that a worker handles. */
export interface Job {
  /** The id that `submit` returned. Undefined if the job was sent with the layer's `send`. */
  readonly id: string | undefined;
  /** Number of deliveries of the job to a handler, including this delivery. */
  readonly attempt: number;
  /**
   * Aborted when the worker closes, or when another worker has received the job. If the handler then rejects
   * with the signal's reason or an `AbortError`, the job has not failed, and another worker receives it.
   */
  readonly signal: AbortSignal;
  /**
   * Sends a copy of `value`, the job's progress, to the submitter. Values arrive in order, each at most once.
   * @throws {InvalidMessageError} if a message cannot hold the value.
   */
  progress(value: unknown): void;
}

/** Handles a job, and returns a result for the submitter. If it throws or rejects, the job is retried. */
export type WorkHandler<T extends Message = Message> = (message: T, job: Job) => unknown;

/** A running worker of a channel. */
export interface JobWorker {
  /**
   * Stops accepting jobs, aborts the signals of the running jobs, and waits for these jobs to end. May be
   * called twice. The worker's own handler may make this call, but not await it.
   *
   * @throws {DeadlockError} if the worker's own handler awaits this call.
   */
  close(): Promise<void>;
}

/** Runs the job workers of one runtime, and submits jobs. */
export class JobWorkers {
  readonly #cluster: Cluster;
  readonly #report: ErrorListener;
  /** Functions that close the open workers. */
  readonly #open = new Set<() => Promise<void>>();
  /** One function for each running handler. The function ends the wait for its handler. */
  readonly #abandonments = new Set<() => void>();
  /** The owner of each running handler, and the id of the handler's worker. */
  readonly #running = new Map<AsyncErrorOwner, symbol>();
  #isClosing = false;

  constructor(cluster: Cluster, report: ErrorListener) {
    this.#cluster = cluster;
    this.#report = report;
  }

  /** @throws the same errors as {@link Runtime.worker}. */
  async start(
    channel: string,
    handler: WorkHandler,
    { layer: alias, attempts = 3, onFailed = () => {}, ...options }: JobWorkerOptions,
  ): Promise<JobWorker> {
    if (this.#isClosing) throw new RuntimeClosedError();
    if (typeof handler !== "function") {
      throw new TypeError(
        `The handler of a worker of "${channel}" must be a function, not ${typeof handler}.`,
      );
    }
    checkInteger("attempts", attempts);
    const layer = this.#cluster.layer(alias, `The channel "${channel}"`);
    this.#cluster.start();
    const workerId = Symbol(channel);
    const consumption = await layer.consume<Message>(
      channel,
      (message, delivery) => this.#handle(workerId, channel, handler, message, delivery),
      {
        ...options,
        maxDeliveries: attempts,
        onDone: (_message, delivery, update) => this.#notify(delivery, update as Message),
        onDead: async (message, delivery, error) => {
          await this.#notify(delivery, { type: "job_failed", reason: failureText(error) });
          const job = { id: delivery.job, attempt: delivery.attempt };
          await callOwned(this.#owner(channel), onFailed, message, job, error);
        },
      },
    );
    const close = async () => {
      await consumption.close();
      this.#open.delete(close);
    };
    this.#open.add(close);
    if (this.#isClosing) {
      await close();
      throw new RuntimeClosedError();
    }
    return {
      close: () =>
        rejectIfAwaitedInside(
          close(),
          this.callingHandler(workerId),
          "a worker closes after its jobs. Do not await close() in the handler of a job.",
        ),
    };
  }

  /** Undefined unless a handler of a job calls this. @param workerId ignores the jobs of other workers. */
  callingHandler(workerId?: symbol): IsRunning | undefined {
    for (const [owner, id] of this.#running) {
      if (isOwnedBy(owner) && (workerId === undefined || workerId === id))
        return () => this.#running.has(owner);
    }
    return undefined;
  }

  async submit(channel: string, message: Message, { layer, replyTo }: SubmitOptions): Promise<string> {
    checkQueue(channel);
    if (replyTo !== undefined) this.#cluster.checkActor(replyTo);
    const job = randomUUID();
    await this.#cluster
      .layer(layer, `The channel "${channel}"`)
      .send(channel, message, { job, ...(replyTo !== undefined && { replyTo }) });
    return job;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([...this.#open].map((close) => close()));
  }

  /** Stops waiting for running handlers, ignores their results, and lets other workers take the jobs. */
  abandon(): void {
    for (const abandon of [...this.#abandonments]) abandon();
  }

  /** Returns the update that tells the submitter the result, once the job has left the queue. */
  async #handle(
    workerId: symbol,
    channel: string,
    handler: WorkHandler,
    message: Message,
    delivery: JobDelivery,
  ): Promise<Message> {
    const { attempt, signal, job: id } = delivery;
    // Updates are sent one by one, so that they arrive in order.
    let sending = Promise.resolve();
    const enqueue = (update: Message) => {
      sending = sending.then(() => this.#notify(delivery, update));
    };
    let isOver = false;
    const progress = (value: unknown) => {
      if (!isOver) enqueue({ type: "job_progress", value: valueThroughCodec(value, valueName) });
    };
    try {
      const job = Object.freeze({ id, attempt, signal, progress });
      return resultOf(await this.#run(workerId, channel, () => handler(message, job)));
    } finally {
      isOver = true;
      await sending;
    }
  }

  /** Sends an update to the submitter of a job. Never rejects. */
  async #notify({ replyTo, job }: JobDelivery, update: Message): Promise<void> {
    if (replyTo === undefined || job === undefined) return;
    try {
      await this.#cluster.send(replyTo, { ...update, job });
    } catch (error) {
      if (!(error instanceof LayerClosedError)) this.#report(error, { stage: "worker", what: update.type });
    }
  }

  /** No actor owns the errors of the timers and promises of a worker's functions, so they are reported. */
  #owner(channel: string): AsyncErrorOwner {
    return new AsyncErrorOwner(undefined, "worker", channel, this.#report);
  }

  #run(workerId: symbol, channel: string, work: () => unknown): Promise<unknown> {
    const owner = this.#owner(channel);
    return new Promise((resolve, reject) => {
      const abandon = () => {
        reject(
          new HandlerTimeoutError(
            `A job of "${channel}" was still running when the runtime closed. ` +
              "Its handler must stop when `signal` aborts.",
          ),
        );
      };
      this.#abandonments.add(abandon);
      this.#running.set(owner, workerId);
      runOwned(owner, async () => work())
        .then(resolve, reject)
        .finally(() => {
          this.#abandonments.delete(abandon);
          this.#running.delete(owner);
        });
    });
  }
}

const valueName = "The result or a progress value of a job";

/** Returns a job's last update. If a message cannot hold `returned`, the job fails without a retry. */
function resultOf(returned: unknown): Message {
  const outcome = outcomeOf(returned, valueName);
  return "value" in outcome
    ? { type: "job_done", value: outcome.value }
    : { type: "job_failed", reason: outcome.failed };
}
