/** What an actor hears of a job that it has submitted: declare these among its messages, and handle them. */
export interface JobMessages {
  /** The worker has come so far. It may come again from the start, if the job is tried again. */
  job_progress: { job: string; value: unknown };
  /** The last word: what the worker's handler returned. It comes twice at worst. */
  job_done: { job: string; value: unknown };
  /** The last word: the handler failed as often as it may. The job is in the dead letters. */
  job_failed: { job: string; reason: string };
}
