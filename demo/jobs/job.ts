/** What can be done with a text. */
export const jobKinds = ["translate", "analyze", "generate", "default"] as const;
export type JobKind = (typeof jobKinds)[number];

/** What nobody has heard of is done by default. */
export function kindOf(type: unknown): JobKind {
  return jobKinds.find((kind) => kind === type) ?? "default";
}

/** What waits in the queue to be done. */
export type Job = {
  readonly kind: JobKind;
  readonly content: string;
};

/** What goes to the group of a job: to whoever watches it, in order. */
export interface JobMessages {
  /** How far it has come. If a worker dies, the next `attempt` begins anew. */
  job_progress: { attempt: number; percent: number };
  /** The last word. */
  job_result: { message: string };
}

/** The channel that workers share. */
export const jobQueue = "jobs";

export const jobGroup = (id: string) => `job_${id}`;
