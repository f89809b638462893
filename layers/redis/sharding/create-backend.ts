import type { Backend } from "../../backend.ts";
import type { BackendFactory } from "../connection/backend-factory.ts";
import type { PubSubOptions } from "../connection/pubsub-settings.ts";
import { checkTarget, type RedisServerTarget, serverTargetKinds } from "../connection/server-address.ts";
import { type ByHosts, createHostsBackend } from "./hosts-backend.ts";
import { type ByCluster, RedisClusterBackend } from "./redis-cluster-backend.ts";

/** The target of a layer: one server, or several servers over which topics and queues are distributed. */
export type RedisTarget = RedisServerTarget | ByHosts | ByCluster;

/**
 * @throws {TypeError} unless exactly one well-formed target is given.
 * @throws {InvalidOptionError} for a number out of range.
 */
export function createBackend(options: RedisTarget & PubSubOptions, factory: BackendFactory): Backend {
  checkTarget(options, [...serverTargetKinds, "hosts", "cluster"]);
  if ("cluster" in options) return new RedisClusterBackend(options, factory);
  if ("hosts" in options) return createHostsBackend(options, factory);
  return factory.create(options);
}
