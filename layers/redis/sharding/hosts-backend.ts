import type { Backend } from "../../backend.ts";
import type { BackendFactory } from "../connection/backend-factory.ts";
import { HashRing } from "./hash-ring.ts";
import { ShardedBackend } from "./sharded-backend.ts";

/**
 * Several servers that know nothing of each other. Every node must name the same ones, in any order: host and port as
 * they are written decide on which of them a group or a queue lives.
 */
export interface ByHosts {
  /** Their URLs, as {@link ByUrl} describes them. */
  readonly hosts: readonly string[];
}

/** Spreads topics over servers that know nothing of each other, by a {@link HashRing} over their addresses. */
export class HostsBackend extends ShardedBackend {
  readonly #kind: BackendFactory;
  readonly #urls: ReadonlyMap<string, string>;
  readonly #ring: HashRing;
  readonly #backends = new Map<string, Backend>();

  /** @throws {TypeError} if there is no host, one is no URL of Redis, or two have one address. */
  constructor({ hosts }: ByHosts, kind: BackendFactory) {
    super(kind);
    const addressed = hosts.map((url) => [kind.create({ url }).address, url] as const);
    this.#kind = kind;
    this.#urls = new Map(addressed);
    this.#ring = new HashRing(addressed.map(([address]) => address));
  }

  protected override async create(): Promise<readonly Backend[]> {
    for (const [address, url] of this.#urls) this.#backends.set(address, this.#kind.create({ url }));
    return [...this.#backends.values()];
  }

  protected override backendAt(key: string): Backend {
    const backend = this.#backends.get(this.#ring.hostOf(key));
    if (backend === undefined) throw new Error("Every host of the ring has a backend once it is open.");
    return backend;
  }
}
