import type { Backend, Capabilities } from "../../backend.ts";
import type { PubSubCommands } from "./pubsub-commands.ts";
import { type PubSubOptions, type PubSubSettings, pubSubSettings } from "./pubsub-settings.ts";
import { type RedisServerTarget, resolveServer } from "./server-address.ts";
import type { RedisServer } from "./server-options.ts";

/** One shard of a Redis Cluster, and how it differs from a server of its own. */
export interface ByShard {
  readonly shard: {
    readonly server: RedisServer;
    readonly commands: PubSubCommands;
    /** A topic that belongs to the shard. */
    readonly probeTopic: string;
  };
}

/** A backend of one server, or of one shard. */
export interface RedisBackend extends Backend {
  /** Where its server is, without passwords. */
  readonly address: string;
}

/** Makes the backends of one kind of layer, one for each server or shard. */
export interface BackendFactory {
  readonly capabilities: Capabilities;
  /** The name in Redis that decides which server or shard `topic` lives on. */
  keyOf(topic: string): string;
  /** The same for a queue. Never called without the capability `workers`. */
  queueKeyOf(queue: string): string;
  create(target: RedisServerTarget | ByShard): RedisBackend;
}

/**
 * Which server, or which shard of a Redis Cluster, is meant, and how to publish and subscribe there.
 *
 * @throws {TypeError} unless exactly one target is given.
 * @throws {InvalidOptionError} for a number out of range.
 */
export function serverOf(options: (RedisServerTarget | ByShard) & PubSubOptions): {
  readonly server: RedisServer;
  readonly settings: PubSubSettings;
} {
  const settings = pubSubSettings(options);
  if (!("shard" in options)) return { server: resolveServer(options), settings };
  const { server, commands, probeTopic } = options.shard;
  return { server, settings: { ...settings, commands, probeTopic } };
}
