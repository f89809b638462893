import { createConnection, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AbstractConnector, type Redis } from "ioredis";
import { runOwned } from "../../async-errors.ts";
import { asError, LayerUnavailableError } from "../../errors.ts";
import { CallbackFailedError, CallbackResultError } from "../connection/callback-errors.ts";
import { createClient } from "../connection/create-client.ts";
import type { AttemptContext } from "../connection/credentials.ts";
import { ignoreMoreSocketErrors, withoutCommand } from "../connection/redis-connection.ts";
import type { RedisAddress } from "../connection/server-address.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { slotCount } from "./key-slot.ts";

/** A master and the ranges of its slots. Each range includes both ends. */
export interface Shard {
  readonly master: RedisAddress;
  readonly slots: readonly (readonly [from: number, to: number])[];
}

/** How to connect to the nodes of a cluster. */
export type ClusterConnection = Omit<RedisServer, "address" | "create">;

export class RedisClusterTopology {
  readonly #connection: ClusterConnection;
  readonly #context: AttemptContext;
  readonly #closing = new AbortController();
  readonly #seeds: string;
  readonly #onShards: (shards: readonly Shard[]) => void;
  readonly #clients = new Set<Redis>();
  #asking: Promise<Shard[]> | undefined;
  #nodes: readonly RedisAddress[];

  constructor(
    seeds: readonly RedisAddress[],
    connection: ClusterConnection,
    onShards: (shards: readonly Shard[]) => void,
    context: Omit<AttemptContext, "signal">,
  ) {
    this.#onShards = onShards;
    this.#nodes = seeds;
    this.#seeds = seeds.map(({ host, port }) => `${host}:${port}`).join(", ");
    this.#connection = connection;
    this.#context = { ...context, signal: this.#closing.signal };
  }

  /**
   * Asks one node after another until a node replies. The next call starts with another node, because a
   * single node may be wrong. Concurrent calls share one reply.
   *
   * @throws {LayerUnavailableError} if no node replies. The message contains the configured addresses.
   * @throws {CallbackResultError} if the function `credentials` returns a wrong value.
   */
  shards(): Promise<readonly Shard[]> {
    this.#asking ??= this.#askAll().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  close(): void {
    this.#closing.abort(new Error("closed meanwhile"));
    for (const redis of this.#clients) redis.disconnect();
  }

  /** Returns an ioredis connector to the master that currently serves the largest part of `slots`. */
  connectorFor(slots: Shard["slots"]): new () => AbstractConnector {
    const topology = this;
    const { tls, disconnectTimeout = 1 } = this.#connection.options;
    return class extends AbstractConnector {
      constructor() {
        super(disconnectTimeout);
      }

      override async connect(): Promise<Socket> {
        this.connecting = true;
        const master = await topology.#masterOf(slots).catch((error: Error) => error);
        this.stream = master instanceof Error || !this.connecting ? new Socket().destroy() : open(master);
        // Without a master, returns a broken socket, because ioredis would not retry after an exception.
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
      if (this.#closing.signal.aborted) break;
      try {
        const shards = await this.#ask(node);
        this.#nodes = [...this.#nodes.slice(1), ...this.#nodes.slice(0, 1)];
        if (!this.#closing.signal.aborted) this.#onShards(shards);
        return shards;
      } catch (error) {
        if (error instanceof CallbackResultError) throw error;
        cause = error;
        if (error instanceof CallbackFailedError) break;
      }
    }
    const why = asError(cause).message;
    throw new LayerUnavailableError(`The Redis Cluster of ${this.#seeds} cannot be reached: ${why}`);
  }

  async #masterOf(slots: Shard["slots"]): Promise<RedisAddress> {
    const shares = (await this.shards()).map((shard) => ({ shard, count: inCommon(slots, shard.slots) }));
    const [most] = shares.sort((one, other) => other.count - one.count);
    if (most === undefined || most.count === 0) {
      const ranges = slots.map(([from, to]) => `${from}-${to}`).join(", ");
      throw new LayerUnavailableError(`No node of the cluster serves slots ${ranges}: check CLUSTER INFO.`);
    }
    return most.shard.master;
  }

  async #ask({ host, port }: RedisAddress): Promise<Shard[]> {
    const settings = { connectionName: "greenroom-topology", enableReadyCheck: false, host, port };
    const options = { ...this.#connection.options, ...settings };
    const redis = await createClient({ ...this.#connection, options }, this.#context);
    // This event contains the cause of a refused login or certificate. The rejection of `connect` does not.
    let failure: Error | undefined;
    redis.on("error", (error) => {
      ignoreMoreSocketErrors(redis);
      failure ??= error;
    });
    this.#clients.add(redis);
    try {
      this.#context.signal.throwIfAborted();
      await redis.connect();
      const translate = (address: RedisAddress) => this.#translate(address);
      return shardsOf((await redis.call("CLUSTER", "SLOTS")) as Slots[], host, translate);
    } catch (error) {
      throw new Error(`${host}:${port}: ${withoutCommand(failure ?? error).message}`);
    } finally {
      this.#clients.delete(redis);
      redis.disconnect();
    }
  }

  /** Applies ioredis' option `natMap`, which maps the addresses of the cluster to those of this network. */
  #translate(address: RedisAddress): RedisAddress {
    const { natMap } = this.#connection.options;
    const key = `${address.host}:${address.port}`;
    const found = typeof natMap === "function" ? runOwned(this.#context.owner, natMap, key) : natMap?.[key];
    return found ?? address;
  }
}

/** One range of slots in the reply to `CLUSTER SLOTS`. Further elements, not listed here, are replicas. */
type Slots = readonly [
  from: number,
  to: number,
  master: readonly [host: string | null, port: number, id: string],
];

/** Returns the shards in `answer`. A master without a host gets `asked`, the host that sent `answer`. */
function shardsOf(
  answer: readonly Slots[],
  asked: string,
  translate: (address: RedisAddress) => RedisAddress,
): Shard[] {
  const shards = new Map<string, { master: RedisAddress; slots: (readonly [number, number])[] }>();
  for (const [from, to, [host, port, id]] of answer) {
    const shard = shards.get(id) ?? { master: translate({ host: host || asked, port }), slots: [] };
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

/** Describes how the slots are divided into shards, regardless of the masters' addresses. */
export function partition(shards: readonly Shard[]): string {
  // Labels each slot with the lowest slot of its shard.
  const labels = new Array<number | undefined>(slotCount).fill(undefined);
  for (const { slots } of shards) {
    const label = Math.min(...slots.map(([from]) => from));
    for (const [from, to] of slots) labels.fill(label, from, to + 1);
  }
  return labels.join();
}
