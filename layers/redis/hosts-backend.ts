import type { Backend, BackendListener, Capabilities, Health } from "../contract.ts";
import { HashRing } from "./hash-ring.ts";

/**
 * Spreads topics over several servers that know nothing of each other: each topic lives on one of them, by a
 * {@link HashRing} over their addresses. An outage of one touches its topics only.
 */
export class HostsBackend implements Backend {
  readonly capabilities: Capabilities;
  readonly #ring: HashRing;
  readonly #backends: ReadonlyMap<string, Backend>;
  readonly #all: readonly Backend[];

  /**
   * @param backends one for each server, by its address; all of one kind.
   * @throws {TypeError} if there is none, or two have one address.
   */
  constructor(backends: readonly (readonly [address: string, backend: Backend])[]) {
    this.#ring = new HashRing(backends.map(([address]) => address));
    this.#backends = new Map(backends);
    this.#all = backends.map(([, backend]) => backend);
    this.capabilities = this.#backendOf("").capabilities;
  }

  /** Well if all servers are: a part of the topics is a part too many. */
  get health(): Health {
    return this.#all.map(({ health }) => health).find(({ ok }) => !ok) ?? { ok: true };
  }

  async open(listener: BackendListener): Promise<void> {
    const outcomes = await Promise.allSettled(this.#all.map((backend) => backend.open(listener)));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed === undefined) return;
    await this.close();
    throw failed.reason;
  }

  publish(topic: string, payload: Uint8Array): Promise<void> {
    return this.#backendOf(topic).publish(topic, payload);
  }

  subscribe(topic: string): Promise<void> {
    return this.#backendOf(topic).subscribe(topic);
  }

  unsubscribe(topic: string): Promise<void> {
    return this.#backendOf(topic).unsubscribe(topic);
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((backend) => backend.close()));
  }

  #backendOf(topic: string): Backend {
    const backend = this.#backends.get(this.#ring.hostOf(topic));
    if (backend === undefined) throw new Error("Every host of the ring has a backend.");
    return backend;
  }
}
