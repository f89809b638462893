import { randomBytes } from "node:crypto";
import type { Clock } from "../../clock.ts";
import { type PublishQueueOptions, publishLimits } from "../pubsub/publish-queue.ts";
import type { PubSubSettings } from "../pubsub/pubsub-connection.ts";
import { checkMs } from "./check-ms.ts";
import { pubSub } from "./pubsub-commands.ts";
import type { RedisConnectionOptions } from "./server-options.ts";

/** What can be told to a backend that publishes and subscribes, besides where its server is. */
export interface PubSubOptions extends RedisConnectionOptions {
  /** The timers of deadlines, probes and what waits to be published. @default globalThis */
  readonly clock?: Clock;
  /**
   * How often the backend publishes something to itself, in milliseconds. If that does not come back within
   * `connectTimeoutMs`, the connection on which it receives is made anew.
   * @default 5000
   */
  readonly probeMs?: number;
  /** What the topic of the probe begins with, for servers that allow a client certain names only. @default "greenroom" */
  readonly probePrefix?: string;
  /** What waits to be published while the connection is down. */
  readonly publishQueue?: PublishQueueOptions;
}

/** @throws {InvalidOptionError} for a number that makes no sense. */
export function pubSubSettings(options: PubSubOptions): PubSubSettings {
  const { clock = globalThis, probeMs = 5_000, probePrefix = "greenroom", publishQueue } = options;
  checkMs("probeMs", probeMs);
  return {
    clock,
    commands: pubSub,
    probeMs,
    probeTopic: `${probePrefix}__probe__${randomBytes(10).toString("hex")}`,
    publishLimits: publishLimits(publishQueue),
  };
}
