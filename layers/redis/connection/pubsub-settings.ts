import { randomBytes } from "node:crypto";
import { checkInteger, maxJitteredDelayMs } from "../../check-integer.ts";
import type { Clock } from "../../clock.ts";
import { type PubSubCommands, pubSub } from "./pubsub-commands.ts";
import type { RedisConnectionOptions } from "./server-options.ts";

/** Limits of the messages that wait while the connection is down. */
export interface PublishQueueOptions {
  /** How many messages may wait; 0 fails each at once. @default 1000 */
  readonly capacity?: number;
  /** How many bytes of messages may wait. @default 16777216 */
  readonly maxBytes?: number;
  /** How long a message may wait, in milliseconds, before its sender is told that it reached nobody. @default 500 */
  readonly deadlineMs?: number;
}

/** {@link PublishQueueOptions} with all defaults filled in. */
export type PublishLimits = Required<PublishQueueOptions>;

/** Options of a backend that publishes and subscribes, besides where its server is. */
export interface PubSubOptions extends RedisConnectionOptions {
  /** The timers of deadlines, probes and messages that wait to be published. @default globalThis */
  readonly clock?: Clock;
  /**
   * How often the backend publishes something to itself, in milliseconds. If that does not come back within
   * `connectTimeoutMs`, the connection on which it receives is made anew.
   * @default 5000
   */
  readonly probeMs?: number;
  /** What the topic of the probe begins with, for servers that allow a client certain names only. @default "greenroom" */
  readonly probePrefix?: string;
  /** Limits of the messages that wait while the connection is down. */
  readonly publishQueue?: PublishQueueOptions;
}

/** {@link PubSubOptions} as the connections need them. */
export interface PubSubSettings {
  readonly clock: Clock;
  readonly commands: PubSubCommands;
  readonly probeMs: number;
  readonly probeTopic: string;
  readonly publishLimits: PublishLimits;
}

/** @throws {InvalidOptionError} for a number out of range. */
export function pubSubSettings(options: PubSubOptions): PubSubSettings {
  const { clock = globalThis, probeMs = 5_000, probePrefix = "greenroom", publishQueue } = options;
  return {
    clock,
    commands: pubSub,
    probeMs: checkInteger("probeMs", probeMs, { max: maxJitteredDelayMs }),
    probeTopic: `${probePrefix}__probe__${randomBytes(10).toString("hex")}`,
    publishLimits: publishLimits(publishQueue),
  };
}

/** @throws {InvalidOptionError} for a number out of range. */
export function publishLimits(options: PublishQueueOptions = {}): PublishLimits {
  const { capacity = 1_000, maxBytes = 16 * 1024 * 1024, deadlineMs = 500 } = options;
  return {
    capacity: checkInteger("publishQueue.capacity", capacity, { min: 0 }),
    maxBytes: checkInteger("publishQueue.maxBytes", maxBytes, { min: 0 }),
    deadlineMs: checkInteger("publishQueue.deadlineMs", deadlineMs, { min: 0, max: maxJitteredDelayMs }),
  };
}
