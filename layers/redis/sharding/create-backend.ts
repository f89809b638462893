import type { Backend } from "../../backend.ts";
import type { BackendFactory } from "../connection/backend-factory.ts";
import type { PubSubOptions } from "../connection/pubsub-settings.ts";
import { checkTarget, type RedisServerTarget, serverTargetKinds } from "../connection/server-address.ts";
import { type ByHosts, createHostsBackend } from "./hosts-backend.ts";
import { type ByCluster, RedisClusterBackend } from "./redis-cluster-backend.ts";

/** The targets that a layer can run on: one server, or several that share the work. */
export type RedisTarget = RedisServerTarget | ByHosts | ByCluster;

/**
 * Makes the backend for whatever target is given.
 *
 * @throws {TypeError} unless exactly one target is given, and it is well-formed.
 * @throws {InvalidOptionError} for a number out of range.
 */
export function createBackend(options: RedisTarget & PubSubOptions, factory: BackendFactory): Backend {
  checkTarget(options, [...serverTargetKinds, "hosts", "cluster"]);
  if ("cluster" in options) return new RedisClusterBackend(options, factory);
  if ("hosts" in options) return createHostsBackend(options, factory);
  return factory.create(options);
}
