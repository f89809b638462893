import { setTimeout as pause } from "node:timers/promises";
import type { JobWorker, Runtime } from "greenroom";
import type { DemoLayers } from "../layers.ts";
import { type Job, type JobMessages, jobGroup, jobQueue } from "./job.ts";
import { tasks } from "./tasks.ts";

export interface WorkerOptions {
  /** The duration of each of the ten steps of a job, in milliseconds. @default 150 */
  readonly stepMs?: number;
  /** Receives a log line when a job begins and when it ends. */
  readonly onJob?: (line: string) => void;
}

const steps = 10;
/** The time after which another worker takes over the jobs of a worker that has stopped, in milliseconds. */
const claimAfterMs = 5_000;

/**
 * Runs the jobs of the queue, four at a time, and reports their progress to the clients that watch them. Each
 * job pauses ten times, so that its progress is visible.
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
        await publish(runtime, id, { type: "job_progress", attempt, percent: (step / steps) * 100 });
      }
      await publish(runtime, id, { type: "job_result", message: tasks[kind](content) });
      onJob(`${id} ${kind}: done`);
    },
    {
      layer: "queue",
      concurrency: 4,
      claimAfterMs,
      onFailed: async (_job, { id = "" }) => {
        await publish(runtime, id, {
          type: "job_result",
          message: "❌ The job failed three times, and is not retried.",
        });
        onJob(`${id}: failed at every attempt`);
      },
    },
  );
}

type JobMessage = { [T in keyof JobMessages]: { readonly type: T } & JobMessages[T] }[keyof JobMessages];

/** Sends a message on both layers: chat delivers it to current watchers, queue keeps it for later ones. */
async function publish({ layers }: Runtime<DemoLayers>, job: string, message: JobMessage) {
  await layers.queue.groupSend(jobGroup(job), message);
  await layers.chat.groupSend(jobGroup(job), message);
}
