import { randomBytes } from "node:crypto";

/** The consumer group of every queue. */
export const group = "workers";

/** The consumer that holds returned jobs. Every worker may take them at once. */
export const returned = "returned";

/** The consumer that holds the jobs of dead processes. A worker may take one at a time, to run it alone. */
export const orphans = "orphans";

/** Ends the name of a consumer whose entries are about to become dead letters. */
export const buryingSuffix = "-burying";

/** Ends the name of a consumer whose entries wait for a retry, so that no handler runs. */
const waitingSuffix = "-waiting";

/** The consumers of one process have this prefix, because they die together. */
const processId = randomBytes(10).toString("hex");

let consumptions = 0;

/** The names of the consumers of one consumption. All names of a process have the same text before the dash. */
export interface ConsumerNames {
  /** Holds the entries of ordinary jobs. */
  readonly own: string;
  /** Holds an entry that was taken over from a dead process. */
  readonly alone: string;
  readonly burying: string;
  readonly waiting: string;
}

export function newConsumerNames(): ConsumerNames {
  consumptions += 1;
  const own = `${processId}-${consumptions}`;
  return { own, alone: `${own}-alone`, burying: own + buryingSuffix, waiting: own + waitingSuffix };
}

/** The name of the process of `consumer`: the text before the first dash. */
export const processOf = (consumer: string): string => consumer.replace(/-.*/s, "");

/** Whether the entries of `consumer` wait for a retry. */
export const isWaiting = (consumer: string) => consumer.endsWith(waitingSuffix);
