import { randomUUID } from "node:crypto";
import type { SubmitOptions } from "../../actors/index.ts";
import type { JobDelivery } from "../../layers/backend.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { ErrorListener } from "../../layers/error-reporter.ts";
import { InvalidMessageError, LayerClosedError } from "../../layers/errors.ts";
import type { Message } from "../../layers/message.ts";
import { checkQueue } from "../../layers/names.ts";
import { AsyncErrorOwner, runOwned } from "../async-error-owner.ts";
import { HandlerTimeoutError, RuntimeClosedError } from "../errors.ts";
import { failureText } from "../mailbox/ask-envelope.ts";
import { layerOf } from "./argument-checks.ts";
import type { Cluster } from "./cluster.ts";
import { carried, longestValue, sizeOf } from "./through-codec.ts";

export interface WorkerOptions {
  /** The alias of the layer that the channel is on. @default the control layer */
  readonly layer?: string;
  /** How many jobs at once, at most. Only with 1 they are done in order. @default 1 */
  readonly concurrency?: number;
  /** How often a job is tried until it goes to the dead letters. @default 3 */
  readonly attempts?: number;
  /**
   * How long a process may be out of reach, in milliseconds, until others get its jobs. All workers of a channel should have the
   * same. @default 30_000
   */
  readonly claimAfterMs?: number;
  /**
   * Called with a job that has failed for good and is about to go to the dead letters, and with why: what its handler threw last, or that its
   * workers died. Whoever submitted it hears so by itself. What it throws is reported.
   */
  readonly onFailed?: (message: Message, job: Pick<Job, "id" | "attempt">, error: unknown) => unknown;
}

/** A job in the hands of a worker. */
export interface Job {
  /** What whoever submitted it calls it; undefined if it was sent over the layer alone. */
  readonly id: string | undefined;
  /** How often it has been given to a handler, this time included. */
  readonly attempt: number;
  /**
   * Aborted when the worker closes, or when the job has been given to another one. A handler that rejects with its reason, or with any
   * `AbortError`, has not failed: it gives its job back.
   */
  readonly signal: AbortSignal;
  /**
   * Tells whoever submitted the job how far it has come: any value that a message can hold, as it is at the moment of the call.
   * At most once, in order.
   *
   * @throws {InvalidMessageError} for a value that no message can hold.
   */
  progress(value: unknown): void;
}

/** Does a job. What it returns goes to whoever submitted it; when it throws or rejects, the job is tried again. */
export type WorkHandler<T extends Message = Message> = (message: T, job: Job) => unknown;

/** What does the jobs of a channel. */
export interface Worker {
  /**
   * Takes no more jobs, aborts the signals of those that run, and waits for them. May be called twice. A handler of its own MUST
   * NOT await it: each would wait for the other until the runtime closes.
   */
  close(): Promise<void>;
}

/** The workers of one runtime, and what it gives to others to do. */
export class Workers {
  readonly #layers: Readonly<Record<string, ChannelLayer>>;
  readonly #control: Cluster;
  readonly #report: ErrorListener;
  readonly #open = new Set<Worker>();
  /** What ends the waiting for each handler that runs. */
  readonly #running = new Set<() => void>();
  #isClosing = false;

  constructor(layers: Readonly<Record<string, ChannelLayer>>, control: Cluster, report: ErrorListener) {
    this.#layers = layers;
    this.#control = control;
    this.#report = report;
  }

  /** @throws as {@link Runtime.worker} does. */
  async start(
    channel: string,
    handler: WorkHandler,
    { layer, concurrency, claimAfterMs, attempts = 3, onFailed = () => {} }: WorkerOptions,
  ): Promise<Worker> {
    this.#refuseIfClosing();
    if (typeof handler !== "function") {
      throw new TypeError(
        `A worker of "${channel}" needs a function that does its jobs, not ${typeof handler}.`,
      );
    }
    if (!Number.isInteger(attempts) || attempts < 1) {
      throw new RangeError(`attempts is a whole number of at least 1, not ${String(attempts)}.`);
    }
    const found = this.#layer(layer, channel);
    this.#control.begin();
    const consumption = await found.consume<Message>(
      channel,
      (message, delivery) => this.#work(channel, handler, message, delivery),
      {
        maxDeliveries: attempts,
        onDead: async (message, delivery, error) => {
          await this.#tellOf(delivery)({ type: "job_failed", reason: failureText(error) });
          await onFailed(message, { id: delivery.job, attempt: delivery.attempt }, error);
        },
        ...(concurrency !== undefined && { concurrency }),
        ...(claimAfterMs !== undefined && { claimAfterMs }),
      },
    );
    const worker: Worker = {
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

  /** @returns what the job is called. */
  async submit(channel: string, message: Message, { layer, replyTo }: SubmitOptions): Promise<string> {
    checkQueue(channel);
    if (replyTo !== undefined) this.#control.checkActor(replyTo);
    const job = randomUUID();
    await this.#layer(layer, channel).send(channel, message, {
      job,
      ...(replyTo !== undefined && { replyTo }),
    });
    return job;
  }

  /** Closes all of them. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([...this.#open].map((worker) => worker.close()));
  }

  /** Waits no longer for handlers that run: their jobs are given to other workers, and what they still do is not heeded. */
  abandon(): void {
    for (const abandon of [...this.#running]) abandon();
  }

  async #work(channel: string, handler: WorkHandler, message: Message, delivery: JobDelivery): Promise<void> {
    const { attempt, signal, job } = delivery;
    const send = this.#tellOf(delivery);
    // One after the other, so that they come in order.
    let telling = Promise.resolve();
    const tell = (said: Message) => {
      telling = telling.then(() => send(said));
    };
    let isOver = false;
    const progress = (value: unknown) => {
      if (!isOver) tell(told("job_progress", value));
    };
    try {
      const value = await this.#run(channel, () =>
        handler(message, Object.freeze({ id: job, attempt, signal, progress })),
      );
      tell(resultOf(value));
    } finally {
      isOver = true;
      await telling;
    }
  }

  /** How whoever submitted a job is told of it. It never rejects. */
  #tellOf({ replyTo, job }: JobDelivery): (said: Message) => Promise<void> {
    return async (said) => {
      if (replyTo === undefined || job === undefined) return;
      try {
        await this.#control.send(replyTo, { ...said, job });
      } catch (error) {
        this.#notTold(error, said.type);
      }
    };
  }

  #run(channel: string, work: () => unknown): Promise<unknown> {
    // What it leaves behind has no actor that could fail.
    const owner = new AsyncErrorOwner(undefined, "worker", channel, this.#report);
    return new Promise((resolve, reject) => {
      const abandon = () => {
        reject(
          new HandlerTimeoutError(
            `A job of "${channel}" still ran when the runtime had to close: have its handler heed \`signal\`.`,
          ),
        );
      };
      this.#running.add(abandon);
      runOwned(owner, async () => work())
        .then(resolve, reject)
        .finally(() => this.#running.delete(abandon));
    });
  }

  #notTold(error: unknown, what: string): void {
    if (!(error instanceof LayerClosedError)) this.#report(error, { stage: "worker", what });
  }

  #layer(alias: string | undefined, channel: string): ChannelLayer {
    return layerOf(this.#layers, alias ?? this.#control.alias, `The channel "${channel}"`);
  }

  #refuseIfClosing(): void {
    if (this.#isClosing) throw new RuntimeClosedError();
  }
}

/** A message with a value as it is now, whatever becomes of it. @throws {InvalidMessageError} for what cannot be sent. */
function told(type: string, value: unknown): Message {
  const size = sizeOf(value);
  if (size <= longestValue) return carried({ type, value });
  throw new InvalidMessageError(
    `What is told of a job has at most ${longestValue} bytes when encoded, and this has ${size}.`,
  );
}

/** What is told of a job that is done. It is done also where that cannot be told. */
function resultOf(value: unknown): Message {
  try {
    return told("job_done", value);
  } catch (error) {
    return { type: "job_failed", reason: `what it returned cannot be sent: ${failureText(error)}` };
  }
}
