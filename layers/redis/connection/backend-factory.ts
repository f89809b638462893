import type { Backend, Capabilities } from "../../backend.ts";
import type { Partition, StateBackend } from "../../state-backend.ts";
import type { PubSubCommands } from "./pubsub-commands.ts";
import { type PubSubOptions, type PubSubSettings, pubSubSettings } from "./pubsub-settings.ts";
import { type RedisServerTarget, resolveServer } from "./server-address.ts";
import type { RedisServer } from "./server-options.ts";

export interface ByShard {
  readonly shard: {
    readonly server: RedisServer;
    readonly commands: PubSubCommands;
    /** A topic in one of the shard's slots. */
    readonly probeTopic: string;
    /** Whether the shard serves the slot of the markers of kinds. */
    readonly hasMarkers?: boolean;
  };
}

/** The named actors on one server or shard. A kind and its partitions may be on different ones. */
export interface ShardState extends StateBackend {
  /** Like `claim`, but does not store the version in the data of the kind: see {@link raise}. */
  claimPartition(...claim: Parameters<StateBackend["claim"]>): ReturnType<StateBackend["claim"]>;
  /** Stores the version of a partition in the data of its kind, if it is higher than the stored one. */
  raise(partition: Partition, version: number): Promise<void>;
}

export interface RedisBackend extends Backend {
  readonly state?: ShardState;
  /** The server's address, without passwords. */
  readonly address: string;
  /**
   * Rejects the calls that wait for a connection. Must be called before `close` if another backend replaces this
   * one: `close` would send the waiting messages after newer messages of the other backend.
   */
  abandon(): void;
}

/** Creates the backends of one kind of layer. Each server or shard has its own backend. */
export interface BackendFactory {
  readonly capabilities: Capabilities;
  /** Returns the Redis key that determines the server or shard of `topic`. */
  keyOf(topic: string): string;
  /** Like `keyOf`, but for queues. Called only if the capabilities include `workers`. */
  queueKeyOf(queue: string): string;
  /** Returns the Redis key that determines the server or shard of a partition, or of a kind. */
  stateKeyOf?(place: Partition | string): string;
  /** The Redis key of the secret that the nodes share. Absent if the capabilities do not include `history`. */
  readonly secretKey?: string;
  create(target: RedisServerTarget | ByShard): RedisBackend;
}

/**
 * @throws {TypeError} unless exactly one target is given.
 * @throws {InvalidOptionError} for a number out of range.
 */
export function serverOf(options: (RedisServerTarget | ByShard) & PubSubOptions): {
  readonly server: RedisServer;
  readonly settings: PubSubSettings;
} {
  const settings = pubSubSettings(options);
  const checkMs = settings.probeMs;
  if (!("shard" in options)) return { server: { ...resolveServer(options), checkMs }, settings };
  const { server, commands, probeTopic, hasMarkers } = options.shard;
  const kindPrefix = hasMarkers ? settings.kindPrefix : undefined;
  return { server: { ...server, checkMs }, settings: { ...settings, commands, probeTopic, kindPrefix } };
}
