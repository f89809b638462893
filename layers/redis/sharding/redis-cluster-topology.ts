import { createConnection, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AbstractConnector, Redis } from "ioredis";
import { asError, LayerUnavailableError } from "../../errors.ts";
import { ignoreMoreSocketErrors } from "../connection/redis-connection.ts";
import type { RedisAddress } from "../connection/server-address.ts";
import type { AnyConnectionOptions } from "../connection/server-options.ts";
import { slotCount } from "./key-slot.ts";

/** The slots of one master, as ranges with both ends included. */
export interface Shard {
  readonly master: RedisAddress;
  readonly slots: readonly (readonly [from: number, to: number])[];
}

/** Asks the nodes of a Redis Cluster for its shards. */
export class RedisClusterTopology {
  readonly #options: AnyConnectionOptions;
  readonly #seeds: string;
  readonly #onShards: (shards: readonly Shard[]) => void;
  readonly #clients = new Set<Redis>();
  #asking: Promise<Shard[]> | undefined;
  #nodes: readonly RedisAddress[];
  #isClosed = false;

  /** @param onShards called with each answer. */
  constructor(
    seeds: readonly RedisAddress[],
    options: AnyConnectionOptions,
    onShards: (shards: readonly Shard[]) => void,
  ) {
    this.#onShards = onShards;
    this.#nodes = seeds;
    this.#seeds = seeds.map(({ host, port }) => `${host}:${port}`).join(", ");
    this.#options = options;
  }

  /**
   * Asks one node after the other until one answers. The next call begins with another node, because one may be wrong.
   * Calls during a question share its answer.
   *
   * @throws {LayerUnavailableError} naming the nodes that were given, if none answers.
   */
  shards(): Promise<readonly Shard[]> {
    this.#asking ??= this.#askAll().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** Stops asking, and waits for no answer. */
  close(): void {
    this.#isClosed = true;
    for (const redis of this.#clients) redis.disconnect();
  }

  /** A connector of ioredis, which connects to the current master of most of `slots`. */
  connectorFor(slots: Shard["slots"]): new () => AbstractConnector {
    const topology = this;
    const { tls, disconnectTimeout = 1 } = this.#options;
    return class extends AbstractConnector {
      constructor() {
        super(disconnectTimeout);
      }

      override check(info: { role?: string }): boolean {
        return info.role === undefined || info.role === "master";
      }

      override async connect(): Promise<Socket> {
        this.connecting = true;
        const master = await topology.#masterOf(slots).catch((error: Error) => error);
        this.stream = master instanceof Error || !this.connecting ? new Socket().destroy() : open(master);
        // ioredis gives up for good after an exception, but retries after a socket that broke at once.
        if (master instanceof Error) this.firstError = master;
        this.stream.once("error", (error: Error) => {
          this.firstError = error;
        });
        return this.stream;
      }
    };

    function open({ host, port }: RedisAddress): Socket {
      return tls === undefined ? createConnection({ host, port }) : connectTls({ ...tls, host, port });
    }
  }

  async #askAll(): Promise<Shard[]> {
    let cause: unknown;
    for (const node of this.#nodes) {
      if (this.#isClosed) break;
      try {
        const shards = await this.#ask(node);
        this.#nodes = [...this.#nodes.slice(1), ...this.#nodes.slice(0, 1)];
        if (!this.#isClosed) this.#onShards(shards);
        return shards;
      } catch (error) {
        cause = error;
      }
    }
    const why = asError(cause).message;
    throw new LayerUnavailableError(`The Redis Cluster of ${this.#seeds} cannot be reached: ${why}`);
  }

  async #masterOf(slots: Shard["slots"]): Promise<RedisAddress> {
    const shares = (await this.shards()).map((shard) => ({ shard, count: inCommon(slots, shard.slots) }));
    const [most] = shares.sort((one, other) => other.count - one.count);
    if (most === undefined || most.count === 0) {
      throw new LayerUnavailableError(`Nobody in the cluster serves slots ${slots.join(", ")}.`);
    }
    return most.shard.master;
  }

  async #ask({ host, port }: RedisAddress): Promise<Shard[]> {
    const settings = { connectionName: "greenroom-topology", enableReadyCheck: false, retryStrategy: null };
    const redis = new Redis({ ...this.#options, ...settings, host, port });
    // A refused login or certificate is reported here only: `connect` rejects because the connection was closed.
    let failure: Error | undefined;
    redis.on("error", (error) => {
      ignoreMoreSocketErrors(redis);
      failure ??= error;
    });
    this.#clients.add(redis);
    try {
      await redis.connect();
      return shardsOf((await redis.call("CLUSTER", "SLOTS")) as Slots[], host);
    } catch (error) {
      throw new Error(`${host}:${port}: ${asError(failure ?? error).message}`);
    } finally {
      this.#clients.delete(redis);
      redis.disconnect();
    }
  }
}

/** One range in the answer to `CLUSTER SLOTS`: its ends, its master, and its replicas. */
type Slots = readonly [
  from: number,
  to: number,
  master: readonly [host: string | null, port: number, id: string],
];

/** A node that does not know its own host is at the host where it was asked. */
function shardsOf(answer: readonly Slots[], asked: string): Shard[] {
  const shards = new Map<string, { master: RedisAddress; slots: (readonly [number, number])[] }>();
  for (const [from, to, [host, port, id]] of answer) {
    const shard = shards.get(id) ?? { master: { host: host || asked, port }, slots: [] };
    shard.slots.push([from, to]);
    shards.set(id, shard);
  }
  return [...shards.values()];
}

function inCommon(some: Shard["slots"], others: Shard["slots"]): number {
  let count = 0;
  for (const [from, to] of some) {
    for (const [first, last] of others) count += Math.max(0, Math.min(to, last) - Math.max(from, first) + 1);
  }
  return count;
}

export function servedSlots(shards: readonly Shard[]): number {
  return shards.flatMap(({ slots }) => slots).reduce((count, [from, to]) => count + to - from + 1, 0);
}

/** Which slots belong together, whatever their masters: a text that is equal if the shards have the same slots. */
export function partition(shards: readonly Shard[]): string {
  // Each slot is labelled with the lowest slot of its shard.
  const labels = new Array<number | undefined>(slotCount).fill(undefined);
  for (const { slots } of shards) {
    const label = Math.min(...slots.map(([from]) => from));
    for (const [from, to] of slots) labels.fill(label, from, to + 1);
  }
  return labels.join();
}
