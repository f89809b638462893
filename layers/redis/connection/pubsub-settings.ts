import { randomBytes } from "node:crypto";
import { checkInteger, maxJitteredDelayMs } from "../../check-integer.ts";
import { type Clock, systemClock } from "../../clock.ts";
import { type PubSubCommands, pubSub } from "./pubsub-commands.ts";
import type { RedisConnectionOptions } from "./server-options.ts";

/**
 * Limits of the calls that wait while a connection is down: sends to groups, channels and queues, reads of
 * histories, and `consume`. They apply to each connection.
 */
export interface CommandQueueOptions {
  /** Maximum number of waiting calls. With 0, calls during an outage reject immediately. @default 1000 */
  readonly capacity?: number;
  /** Maximum total size of the waiting messages, in bytes. @default 16777216 */
  readonly maxBytes?: number;
  /** How long a call may wait before it rejects, in milliseconds. @default 500 */
  readonly deadlineMs?: number;
}

export type CommandLimits = Required<CommandQueueOptions>;

/** Options, other than the target, of a backend that publishes and subscribes. */
export interface PubSubOptions extends RedisConnectionOptions {
  /** The clock for deadlines, probes and waiting calls. @default the timers of Node */
  readonly clock?: Clock;
  /**
   * Interval of the heartbeat that the backend publishes to itself, in milliseconds. If a heartbeat does not
   * arrive within `connectTimeoutMs`, the backend replaces its receiving connection. Each connection also
   * checks at this interval that its server is not a replica. Each pause is random: 75 % to 125 %.
   * @default 5000
   */
  readonly probeMs?: number;
  /**
   * Prefix of the heartbeat's topic, for servers that restrict which names a client may use. If it is set, the
   * backend also looks for backends of another kind with the same prefix, and reports them.
   * @default "greenroom"
   */
  readonly probePrefix?: string;
  /** Limits of the calls that wait while a connection is down. */
  readonly commandQueue?: CommandQueueOptions;
}

export interface PubSubSettings {
  readonly clock: Clock;
  readonly commands: PubSubCommands;
  readonly probeMs: number;
  readonly probeTopic: string;
  /** The prefix that layers of different kinds must not share. Undefined if the backend need not check it. */
  readonly kindPrefix: string | undefined;
  readonly commandLimits: CommandLimits;
}

/** @throws {InvalidOptionError} for a number out of range. */
export function pubSubSettings(options: PubSubOptions): PubSubSettings {
  const { clock = systemClock, probeMs = 5_000, probePrefix = "greenroom", commandQueue } = options;
  return {
    clock,
    commands: pubSub,
    probeMs: checkInteger("probeMs", probeMs, { max: maxJitteredDelayMs }),
    probeTopic: `${probePrefix}__probe__${randomBytes(10).toString("hex")}`,
    kindPrefix: options.probePrefix,
    commandLimits: commandLimits(commandQueue),
  };
}

/** @throws {InvalidOptionError} for a number out of range. */
export function commandLimits(options: CommandQueueOptions = {}): CommandLimits {
  const { capacity = 1_000, maxBytes = 16 * 1024 * 1024, deadlineMs = 500 } = options;
  return {
    capacity: checkInteger("commandQueue.capacity", capacity, { min: 0 }),
    maxBytes: checkInteger("commandQueue.maxBytes", maxBytes, { min: 0 }),
    deadlineMs: checkInteger("commandQueue.deadlineMs", deadlineMs, { min: 0, max: maxJitteredDelayMs }),
  };
}
