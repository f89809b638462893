import { rendezvous } from "../../rendezvous.ts";
import type { BackendFactory } from "../connection/backend-factory.ts";
import { required, ShardedBackend } from "./sharded-backend.ts";

/**
 * Several independent servers. Each group and each queue is on one server. The layer selects this server by
 * a hash of the group's or queue's name and of the host names and ports in the URLs. Therefore all nodes must
 * list the same servers with the same host names. The order of the URLs may differ.
 */
export interface ByHosts {
  /** The servers' URLs, in the form of {@link ByUrl}. */
  readonly hosts: readonly string[];
}

/**
 * Distributes topics and queues by {@link rendezvous} hashing of the servers' addresses.
 *
 * @throws {TypeError} unless `hosts` has at least one URL, all are Redis URLs, and all addresses differ.
 */
export function createHostsBackend({ hosts }: ByHosts, factory: BackendFactory): ShardedBackend {
  if (!Array.isArray(hosts) || hosts.length === 0) {
    throw new TypeError('`hosts` must look like ["redis://one:6379", "redis://two:6379"].');
  }
  const addresses = hosts.map((url: string) => factory.create({ url }).address);
  const twice = addresses.find((address, index) => addresses.indexOf(address) !== index);
  if (twice !== undefined)
    throw new TypeError(`\`hosts\` must name each server once, but names ${twice} twice.`);
  const hostOf = rendezvous(addresses);
  return new ShardedBackend(factory, () => {
    const backends = hosts.map((url: string) => factory.create({ url }));
    const byAddress = new Map(backends.map((backend) => [backend.address, backend]));
    return { backends, backendAt: (key) => required(byAddress.get(hostOf(key))) };
  });
}
