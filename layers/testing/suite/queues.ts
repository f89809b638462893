import type { Stage } from "../stage.ts";
import { describeConsumptionClosing } from "./consumption-closing.ts";
import { describeFailedJobs } from "./failed-jobs.ts";
import { describeJobs } from "./jobs.ts";
import { describeQueueLimits } from "./queue-limits.ts";

export function describeQueues(stage: Stage): void {
  const lack = stage.implementation.lacks?.queues;
  if (lack !== undefined) {
    it(`named channels as work queues (${lack})`);
    return;
  }
  describeJobs(stage);
  describeFailedJobs(stage);
  describeQueueLimits(stage);
  describeConsumptionClosing(stage);
}
