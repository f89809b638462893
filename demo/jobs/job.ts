export const jobKinds = ["translate", "analyze", "generate", "default"] as const;
export type JobKind = (typeof jobKinds)[number];

export function kindOf(type: unknown): JobKind {
  return jobKinds.find((kind) => kind === type) ?? "default";
}

export type Job = {
  readonly kind: JobKind;
  readonly content: string;
};

/** The messages to a job's group. */
export interface JobMessages {
  /** If a worker fails or exits, the next `attempt` starts at 0 %. */
  job_progress: { attempt: number; percent: number };
  /** The last message to the group. */
  job_result: { message: string };
}

export const jobQueue = "jobs";

export const jobGroup = (id: string) => `job_${id}`;
