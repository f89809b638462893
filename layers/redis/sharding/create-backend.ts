import type { Backend } from "../../backend.ts";
import type { BackendFactory } from "../connection/backend-factory.ts";
import type { PubSubOptions } from "../connection/pubsub-settings.ts";
import { areAddresses, checkTarget, type RedisTarget, targetKinds } from "../connection/server-address.ts";
import { type ByHosts, HostsBackend } from "./hosts-backend.ts";
import { type ByCluster, ClusterBackend } from "./redis-cluster-backend.ts";

/** All the places that a layer can run on: one server, or several that share the work. */
export type RedisTargets = RedisTarget | ByHosts | ByCluster;

/** How all of them can be named. */
const allTargetKinds = [...targetKinds, "hosts", "cluster"] as const;

/**
 * Makes the backend for whatever place was named, of one `kind` wherever that is.
 *
 * @throws {TypeError} unless it is said in one way where the servers are.
 * @throws {InvalidOptionError} for a number that makes no sense.
 */
export function createBackend(places: RedisTargets & PubSubOptions, kind: BackendFactory): Backend {
  checkTarget(places, allTargetKinds);
  if ("cluster" in places) {
    if (!areAddresses(places.cluster)) {
      throw new TypeError('A cluster looks like { cluster: [{ host: "one", port: 6379 }] }.');
    }
    // Options that make no sense are refused now, though the shards are found out later.
    kind.create({ url: "redis://localhost" });
    return new ClusterBackend(places, kind);
  }
  if (!("hosts" in places)) return kind.create(places);
  const { hosts } = places;
  if (!Array.isArray(hosts) || hosts.length === 0) {
    throw new TypeError('hosts look like ["redis://one:6379", "redis://two:6379"].');
  }
  return new HostsBackend(places, kind);
}
