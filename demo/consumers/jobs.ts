import { randomUUID } from "node:crypto";
import {
  type Delivery,
  type Gap,
  groupName,
  handlers,
  JsonWebSocketConsumer,
  LayerUnavailableError,
  type Mail,
  QueueFullError,
} from "greenroom";
import { type Job, type JobMessages, jobGroup, jobQueue, kindOf } from "../jobs/job.ts";
import { untilReached } from "./until-reached.ts";

const maxWatched = 100;

type Progress = JobMessages["job_progress"];

/**
 * Queues jobs for workers in any process. Reports the progress and the result of a job to the client that
 * submitted the job, and to each client that watches the job's id.
 */
export class BackgroundJobs extends JsonWebSocketConsumer<{ messages: JobMessages }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<BackgroundJobs>({
    job_progress(progress, delivery) {
      this.#progress(idOf(delivery), progress);
    },
    job_result({ message }, delivery) {
      return this.#result(idOf(delivery), message);
    },
  });

  /** The unfinished jobs that the client watches, with the progress that was last reported to the client. */
  readonly #watched = new Map<string, Progress>();

  override async connect() {
    await this.accept();
    this.#say("connected", "🔄 Background Job Processor: Connected!");
  }

  override async receive(value: unknown) {
    const { type, content, job_id: id } = fieldsOf(value);
    if (type === "watch") await this.#watch(id);
    else if (typeof content === "string" && content !== "")
      await this.#queue({ kind: kindOf(type), content });
    else this.#refuse('A job needs content: {"type": "translate", "content": "hello"}.');
  }

  override receiveInvalidJson(_text: string, error: SyntaxError) {
    this.#refuse(`The message is not JSON: ${error.message}.`);
  }

  /**
   * Reads the lost messages from the history of the queue layer. After an outage, the chat layer may be
   * available earlier than the queue layer. Therefore reading is retried.
   */
  override async onGap(gap: Gap) {
    const id = idOf(gap);
    if (!this.#watched.has(id)) return;
    await untilReached(this.signal, async () => {
      await this.#catchUp(id);
    });
  }

  async #queue(job: Job) {
    if (this.#isFull()) return;
    this.#say("queuing", `⏳ Queuing ${job.kind} job: ${job.content}`);
    const id = randomUUID();
    try {
      // Not `submit`, because it asks for an answer to this actor. The job's group has the result, also for a later tab.
      await this.layers.queue?.send(jobQueue, { type: "job", ...job }, { job: id });
    } catch (error) {
      if (error instanceof QueueFullError) this.#refuse("The job queue is full. Try again in a moment.");
      else if (error instanceof LayerUnavailableError)
        this.#refuse("The job queue is unavailable: the job may not have been queued.");
      else throw error;
      return;
    }
    this.sendJson({
      status: "queued",
      job_id: id,
      message: `📋 Job ${id} queued successfully! Worker will process it shortly...`,
    });
    await this.#orRefuse(id, async () => {
      const waiting = { type: "job_progress", attempt: 0, percent: 0 };
      await this.layers.queue?.groupSend(jobGroup(id), waiting);
      await this.#follow(id);
    });
  }

  async #watch(id: unknown) {
    if (typeof id !== "string" || groupName(jobGroup(id)) !== undefined) {
      this.#refuse('The id of the job is missing or invalid: {"type": "watch", "job_id": "…"}.');
      return;
    }
    const known = this.#watched.get(id);
    if (known !== undefined) {
      this.#tell(id, known);
      return;
    }
    if (this.#isFull()) return;
    await this.#orRefuse(id, async () => {
      if (await this.#follow(id)) return;
      await this.#unwatch(id);
      this.#refuse(`Job ${id} is unknown: it ended more than 15 minutes ago, or never existed.`);
    });
  }

  /** Tells the client to try again if the layers are unavailable. */
  async #orRefuse(id: string, follow: () => Promise<void>) {
    try {
      await follow();
    } catch (error) {
      if (!(error instanceof LayerUnavailableError)) throw error;
      await this.#unwatch(id).catch(() => {});
      this.#refuse(`The state of job ${id} is unavailable. Watch it again in a moment.`);
    }
  }

  /** Reports the progress of a job, at once and at each change. @returns whether the job exists */
  async #follow(id: string): Promise<boolean> {
    this.#watched.set(id, { attempt: 0, percent: -1 });
    await this.groupAdd(jobGroup(id));
    return this.#catchUp(id);
  }

  /** Reports the progress in the history. Newer messages of the chat layer wait in the mailbox meanwhile. */
  async #catchUp(id: string): Promise<boolean> {
    const { entries } = (await this.layers.queue?.history(jobGroup(id))) ?? { entries: [] };
    const result = entries.find(({ message }) => message.type === "job_result");
    if (result !== undefined) await this.#result(id, String(result.message.message));
    else if (entries.length > 0) this.#progress(id, entries.map(progressOf).reduce(further));
    return entries.length > 0;
  }

  #progress(id: string, progress: Progress) {
    const known = this.#watched.get(id);
    if (known === undefined || further(known, progress) === known) return;
    this.#watched.set(id, progress);
    this.#tell(id, progress);
  }

  #tell(id: string, { percent }: Progress) {
    this.sendJson({ type: "job_progress", job_id: id, percent });
  }

  async #result(id: string, message: string) {
    if (!this.#watched.has(id)) return;
    this.sendJson({ type: "job_result", job_id: id, message });
    await this.#unwatch(id);
  }

  async #unwatch(id: string) {
    this.#watched.delete(id);
    await this.groupDiscard(jobGroup(id));
  }

  #isFull(): boolean {
    if (this.#watched.size < maxWatched) return false;
    this.#refuse(`A connection can watch at most ${maxWatched} jobs at a time.`);
    return true;
  }

  #say(status: string, message: string) {
    this.sendJson({ status, message });
  }

  #refuse(why: string) {
    this.#say("error", `❌ ${why}`);
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function idOf({ group = "" }: Delivery | Gap): string {
  return group.slice(jobGroup("").length);
}

function progressOf({ message: { attempt, percent } }: Mail): Progress {
  return { attempt: Number(attempt), percent: Number(percent) };
}

function further(one: Progress, other: Progress): Progress {
  const isFurther =
    other.attempt > one.attempt || (other.attempt === one.attempt && other.percent > one.percent);
  return isFurther ? other : one;
}
