import type { Backend, Capabilities } from "../../backend.ts";
import type { PubSubSettings } from "../pubsub/pubsub-connection.ts";
import type { PubSubCommands } from "./pubsub-commands.ts";
import { type PubSubOptions, pubSubSettings } from "./pubsub-settings.ts";
import { type RedisTarget, redisPlace } from "./server-address.ts";
import type { RedisServer } from "./server-options.ts";

/** One shard of a cluster, and how it differs from a server of its own. */
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

/** What has to be known of a backend to spread it over several servers, or the shards of a cluster. */
export interface BackendFactory {
  readonly capabilities: Capabilities;
  /** The name in Redis by which it is decided where `topic` lives. */
  keyOf(topic: string): string;
  create(place: RedisTarget | ByShard): RedisBackend;
}

/**
 * Which server, or which shard of a cluster, is meant, and how to speak to it.
 *
 * @throws {TypeError} unless it is said in one way where the server is.
 * @throws {InvalidOptionError} for a number that makes no sense.
 */
export function serverOf(options: (RedisTarget | ByShard) & PubSubOptions): {
  readonly server: RedisServer;
  readonly settings: PubSubSettings;
} {
  const settings = pubSubSettings(options);
  if (!("shard" in options)) return { server: redisPlace(options), settings };
  const { server, commands, probeTopic } = options.shard;
  return { server, settings: { ...settings, commands, probeTopic } };
}
