/** The rows with a load of messages. */
export const rows = {
  control: "`XADD` + `SET` (control)",
  ask: "**`ask`**",
  remote: "**`ask`**, from another node",
  send: "**`send`**",
  memory: "`ask`, in memory",
  bullmq1: "BullMQ, concurrency 1",
  bullmq100: "BullMQ, concurrency 100",
};

export type RowName = keyof typeof rows;
export const rowNames = Object.keys(rows) as readonly RowName[];

/** The keys that get messages in turn, and the number of messages that are sent but not yet handled. */
export interface Load {
  /** The number of the first key. */
  readonly first: number;
  readonly keys: number;
  readonly inFlight: number;
  readonly messages: number;
}

/** The tables with a load. BullMQ at concurrency 1 handles messages in order, as one key does. */
export const loads = {
  one: { title: "One key, 1 message in flight", rows: ["control", "ask", "memory", "bullmq1"], inFlight: 1 },
  busy: {
    title: "One key, 64 messages in flight",
    rows: ["control", "ask", "remote", "send", "memory", "bullmq1"],
    inFlight: 64,
  },
  many: {
    title: "10,000 keys, 1,000 messages in flight",
    rows: ["control", "ask", "remote", "memory", "bullmq100"],
    inFlight: 1_000,
  },
} as const satisfies Record<string, { title: string; rows: readonly RowName[]; inFlight: number }>;

export type LoadName = keyof typeof loads;
export const loadNames = Object.keys(loads) as readonly LoadName[];

/** The bytes of the text in the context of each actor. */
export const textBytes = 100;

export const sleepingTitle = "The first ask of a sleeping key";
export const sleepingRows = { ask: rows.ask, get: "`GET` of its snapshot (control)" };

export const memoryRows = {
  sleeping: "**a sleeping key**",
  timer: "**a sleeping key with a timer**",
  set: "`SET` of its snapshot (control)",
};
export type MemoryRow = keyof typeof memoryRows;
export const memoryTitle = "The memory of a key in Redis";

export const killedTitle = "The first ask of a key whose owner was killed";
export const killedRows = { killed: "**kill -9 of one of two nodes**" };
