import { randomUUID } from "node:crypto";
import type { SubmitOptions } from "../../actors/index.ts";
import type { JobDelivery } from "../../layers/backend.ts";
import { checkInteger } from "../../layers/check-integer.ts";
import type { ErrorListener } from "../../layers/error-reporter.ts";
import { LayerClosedError } from "../../layers/errors.ts";
import type { Message } from "../../layers/message.ts";
import { checkQueue } from "../../layers/names.ts";
import { type JobConsumption, oldestFirst, type RunningJob } from "../../layers/running-jobs.ts";
import { valueThroughCodec } from "../../layers/through-codec.ts";
import { AsyncErrorOwner, callOwned, isOwnedBy, runOwned } from "../async-error-owner.ts";
import { type IsRunning, rejectIfAwaitedInside } from "../deadlock.ts";
import { HandlerTimeoutError, RuntimeClosedError } from "../errors.ts";
import type { EventPublisher } from "../events/event-publisher.ts";
import { failureText } from "../mailbox/ask-envelope.ts";
import type { Cluster } from "./cluster.ts";

/** Options of `runtime.worker`. */
export interface JobWorkerOptions {
  /** The alias of the channel's layer. @default the control layer */
  readonly layer?: string;
  /** Maximum number of jobs that run at a time. Jobs that wait for a retry do not count. @default 1 */
  readonly concurrency?: number;
  /** Number of attempts before a job becomes a dead letter. @default 3 */
  readonly attempts?: number;
  /**
   * Time in milliseconds after which the jobs of an unreachable process are delivered to other processes. All
   * workers of a channel should have the same value. @default 30_000
   */
  readonly claimAfterMs?: number;
  /**
   * Milliseconds that an attempt may take: 1 to 2147483647. Then its `signal` is aborted with a
   * {@link JobTimeoutError}. If the handler does not settle within the same time again, or within a second if
   * `timeoutMs` is longer, the attempt fails without the handler, and its later outcome is ignored.
   * @default the time is not limited
   */
  readonly timeoutMs?: number;
  /**
   * Called when a job has failed for good: before it becomes a dead letter, before it is removed because it
   * waited for too long, and after it was removed because its handler returned a value that a message cannot hold. `error` is the
   * last attempt's error, says that the workers died, is a {@link JobExpiredError}, or is an
   * {@link InvalidMessageError}. An error of this function is reported to `onError`. The submitter receives
   * `job_failed` in all these cases.
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
   * with the signal's reason or an `AbortError`, the job has not failed, and another worker receives it. Also
   * aborted with a {@link JobTimeoutError} after `timeoutMs`; a rejection is then a failure.
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
  /** The jobs that the worker runs now, in the order in which they began. */
  readonly running: readonly RunningJob[];
  /**
   * Stops accepting jobs, aborts the signals of the running jobs, and waits for these jobs to end. May be
   * called twice. The worker's own handler may make this call, but not await it.
   *
   * @throws {DeadlockError} if the worker's own handler awaits this call.
   */
  close(): Promise<void>;
}

/** The details of one worker that its jobs need. */
interface JobDetails {
  readonly workerId: symbol;
  readonly channel: string;
  readonly handler: WorkHandler;
}

interface FailureDetails {
  readonly channel: string;
  /** Tells the submitter and `onFailed` that a job has failed for good. Rejects as `onFailed` does. */
  fail(message: Message, delivery: JobDelivery, error: unknown, reason?: string): Promise<void>;
}

/** A copy of the value that a handler returned, or the error if a message cannot hold the value. */
type HandlerOutcome = { readonly value: unknown } | { readonly error: unknown };

/** Runs the job workers of one runtime, and submits jobs. */
export class JobWorkers {
  readonly #cluster: Cluster;
  readonly #events: Pick<EventPublisher, "jobFailed">;
  readonly #report: ErrorListener;
  /** The consumptions of the open workers. */
  readonly #open = new Set<JobConsumption>();
  /** One function for each running handler. The function ends the wait for its handler. */
  readonly #abandonments = new Set<() => void>();
  /** The owner of each running handler, and the id of the handler's worker. */
  readonly #running = new Map<AsyncErrorOwner, symbol>();
  #isClosing = false;

  constructor(cluster: Cluster, events: Pick<EventPublisher, "jobFailed">, report: ErrorListener) {
    this.#cluster = cluster;
    this.#events = events;
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
    const fail: FailureDetails["fail"] = async (message, delivery, error, reason = failureText(error)) => {
      this.#events.jobFailed(channel, delivery, error);
      await this.#notify(delivery, { type: "job_failed", reason });
      const job = { id: delivery.job, attempt: delivery.attempt };
      await callOwned(this.#owner(channel), onFailed, message, job, error);
    };
    const consumption = await layer.consume<Message>(
      channel,
      (message, delivery) => this.#handle({ workerId, channel, handler }, message, delivery),
      {
        ...options,
        maxDeliveries: attempts,
        onDone: (message, delivery, outcome) =>
          this.#done({ channel, fail }, message, delivery, outcome as HandlerOutcome),
        onDead: (message, delivery, error) => fail(message, delivery, error),
        onExpired: (message, delivery, error) => fail(message, delivery, error),
      },
    );
    const close = async () => {
      await consumption.close();
      this.#open.delete(consumption);
    };
    this.#open.add(consumption);
    if (this.#isClosing) {
      await close();
      throw new RuntimeClosedError();
    }
    return {
      get running() {
        return consumption.running;
      },
      close: () =>
        rejectIfAwaitedInside(
          close(),
          this.callingHandler(workerId),
          "a worker closes after its jobs. Do not await close() in the handler of a job.",
        ),
    };
  }

  /** The jobs that the workers run now. The longest-running job is first. */
  get running(): readonly RunningJob[] {
    return oldestFirst([...this.#open].map(({ running }) => running));
  }

  /** Undefined unless a handler of a job calls this. @param workerId ignores the jobs of other workers. */
  callingHandler(workerId?: symbol): IsRunning | undefined {
    for (const [owner, id] of this.#running) {
      if (isOwnedBy(owner) && (workerId === undefined || workerId === id))
        return () => this.#running.has(owner);
    }
    return undefined;
  }

  async submit(
    channel: string,
    message: Message,
    { layer, replyTo }: SubmitOptions,
    job: string = randomUUID(),
  ): Promise<string> {
    checkQueue(channel);
    if (replyTo !== undefined) this.#cluster.checkActor(replyTo);
    await this.#cluster
      .layer(layer, `The channel "${channel}"`)
      .send(channel, message, { job, ...(replyTo !== undefined && { replyTo }) });
    return job;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([...this.#open].map((consumption) => consumption.close()));
  }

  /** Stops waiting for running handlers, ignores their results, and lets other workers take the jobs. */
  abandon(): void {
    for (const abandon of [...this.#abandonments]) abandon();
  }

  async #handle(details: JobDetails, message: Message, delivery: JobDelivery): Promise<HandlerOutcome> {
    const { attempt, signal, job: id, limit } = delivery;
    // Updates are sent one by one, so that they arrive in order.
    let sending = Promise.resolve();
    const enqueue = (update: Message) => {
      sending = sending.then(() => this.#notify(delivery, update));
    };
    let isOver = false;
    const progress = (value: unknown) => {
      if (!isOver && !limit?.ended.aborted)
        enqueue({ type: "job_progress", value: valueThroughCodec(value, valueName) });
    };
    try {
      const job = Object.freeze({ id, attempt, signal, progress });
      return resultOf(await this.#run(details, delivery, () => details.handler(message, job)));
    } finally {
      isOver = true;
      await sending;
    }
  }

  /**
   * Tells the submitter the outcome of a job that has left the queue. The job has failed if a message cannot hold
   * its result. Never rejects.
   */
  async #done(
    { channel, fail }: FailureDetails,
    message: Message,
    delivery: JobDelivery,
    outcome: HandlerOutcome,
  ): Promise<void> {
    if ("value" in outcome) return this.#notify(delivery, { type: "job_done", value: outcome.value });
    const { error } = outcome;
    const report = (failure: unknown) => this.#report(failure, { stage: "worker", channel });
    report(error);
    const reason = `the returned value cannot be sent: ${failureText(error)}`;
    await fail(message, delivery, error, reason).catch(report);
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

  #run({ workerId, channel }: JobDetails, { limit }: JobDelivery, work: () => unknown): Promise<unknown> {
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
      const forget = () => {
        this.#abandonments.delete(abandon);
        this.#running.delete(owner);
      };
      this.#abandonments.add(abandon);
      this.#running.set(owner, workerId);
      limit?.ended.addEventListener("abort", forget);
      runOwned(owner, async () => work())
        .finally(() => {
          limit?.lift();
          forget();
        })
        .then(resolve, reject);
    });
  }
}

const valueName = "The result or a progress value of a job";

function resultOf(returned: unknown): HandlerOutcome {
  try {
    return { value: valueThroughCodec(returned, valueName) };
  } catch (error) {
    return { error };
  }
}
