import { setTimeout as pause } from "node:timers/promises";
import type { JobWorker, Runtime } from "greenroom";
import type { DemoLayers } from "../layers.ts";
import { type Job, type JobMessages, jobGroup, jobQueue } from "./job.ts";
import { tasks } from "./tasks.ts";

export interface WorkerOptions {
  /** How long each of the ten steps of a job takes, in milliseconds. @default 150 */
  readonly stepMs?: number;
  /** Hears of each job that is begun, and of each that is done. */
  readonly onJob?: (line: string) => void;
}

const steps = 10;
/** A worker that died is missed after this time, in milliseconds. */
const claimAfterMs = 5_000;

/**
 * Does the jobs of the queue, four at a time, and tells whoever watches. The texts need no time at all: each job takes ten steps that do
 * nothing, so that there is something to see.
 */
export function startWorker(
  runtime: Runtime<DemoLayers>,
  { stepMs = 150, onJob = () => {} }: WorkerOptions = {},
): Promise<JobWorker> {
  return runtime.worker<{ type: "job" } & Job>(
    jobQueue,
    async ({ kind, content }, { id = "", attempt, signal }) => {
      onJob(`${id} ${kind}: begun${attempt > 1 ? `, attempt ${attempt}` : ""}`);
      for (let step = 1; step <= steps; step += 1) {
        await pause(stepMs, undefined, { signal });
        await tell(runtime, id, { type: "job_progress", attempt, percent: (step / steps) * 100 });
      }
      await tell(runtime, id, { type: "job_result", message: tasks[kind](content) });
      onJob(`${id} ${kind}: done`);
    },
    {
      layer: "queue",
      concurrency: 4,
      claimAfterMs,
      onFailed: async (_job, { id = "" }) => {
        await tell(runtime, id, {
          type: "job_result",
          message: "❌ The job was tried three times, and failed.",
        });
        onJob(`${id}: failed for good`);
      },
    },
  );
}

type JobMessage = { [T in keyof JobMessages]: { readonly type: T } & JobMessages[T] }[keyof JobMessages];

/** First where it is kept, for those who come later; then to those who watch now. */
async function tell({ layers }: Runtime<DemoLayers>, job: string, message: JobMessage) {
  await layers.queue.groupSend(jobGroup(job), message);
  await layers.chat.groupSend(jobGroup(job), message);
}
