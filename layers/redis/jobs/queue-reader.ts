import type { Clock } from "../../clock.ts";
import { withTimeout } from "../../with-timeout.ts";
import { RedisConnection, type RedisConnectionListener } from "../connection/redis-connection.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { serverTime } from "./server-time.ts";

const maxBlockMs = 2_000;

/** How long to wait for the reply to CLIENT UNBLOCK before the reader's connection is closed. */
const unblockMs = 1_000;

/** The pause before CLIENT UNBLOCK is repeated, because it does not unblock a read that arrives later. */
const unblockAgainMs = 5;

/** An entry of a queue's stream. `fields` contains names and values alternately. */
export type QueueEntry = readonly [id: Buffer, fields: readonly Buffer[]];

export interface ReadOptions {
  readonly limit: number;
  readonly blockMs: number;
  readonly withTime: boolean;
}

/** The connection for all commands except reads. A read blocks its connection, so each reader has its own. */
export type Commands = Pick<RedisConnection, "run">;

/**
 * Reads the entries of one consumption over its own connection. During a read, the reader sends no other
 * command, which would have to wait. The server blocks a read for at most two seconds. If the complete reply
 * is still missing `connectTimeoutMs` after the end of the block, the reader reconnects.
 */
export class RedisQueueReader {
  readonly connection: RedisConnection;
  readonly #commands: Commands;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #maxBlockMs: number;
  #clientId: number | undefined;
  #reading: Promise<unknown> | undefined;

  constructor(server: RedisServer, commands: Commands, listener: RedisConnectionListener, clock: Clock) {
    this.#commands = commands;
    this.#clock = clock;
    this.#timeoutMs = server.connectTimeoutMs;
    // A read that blocks for longer than `socketTimeout` would break the connection.
    this.#maxBlockMs = Math.min(maxBlockMs, server.connectTimeoutMs / 2);
    const up = () => {
      this.#askClientId();
      listener.up();
    };
    this.connection = new RedisConnection("queue-reader", server, { ...listener, up }, clock);
  }

  /**
   * Returns new entries and, if `withTime` is true, the server's time at which it handed them out.
   * @throws {LayerUnavailableError}
   */
  async read(
    stream: string,
    group: string,
    consumer: string,
    { limit, blockMs, withTime }: ReadOptions,
  ): Promise<readonly [entries: readonly QueueEntry[], time: number | undefined]> {
    // BLOCK 0 would block for ever.
    const block = Math.max(1, Math.ceil(Math.min(blockMs, this.#maxBlockMs)));
    const reading = this.connection.run(
      (redis) =>
        Promise.all([
          redis.callBuffer(
            ...(["XREADGROUP", "GROUP", group, consumer, "COUNT", limit, "BLOCK", block] as const),
            ...(["STREAMS", stream, ">"] as const),
          ),
          // The server runs this command as soon as the read has ended.
          withTime ? serverTime(redis).catch(() => undefined) : undefined,
        ]),
      { command: "XREADGROUP", keys: [stream] },
    );
    this.#reading = reading;
    try {
      const late = () => this.#stalled();
      const [reply, time] = await withTimeout(reading, block + this.#timeoutMs, this.#clock, late);
      return [entriesOf(reply), time];
    } finally {
      this.#reading = undefined;
    }
  }

  /** Unblocks the current read. Returns false if that is not possible. */
  async unblock(): Promise<boolean> {
    const reading = this.#reading;
    while (reading !== undefined && this.#reading === reading) {
      if (!(await this.#unblock())) return false;
      const late = () => new Error("not blocked yet");
      await withTimeout(reading, unblockAgainMs, this.#clock, late).catch(() => {});
    }
    return true;
  }

  /** Unblocks reads until none is pending, or closes the connection if that is not possible. */
  async interrupt(): Promise<void> {
    while (this.#reading !== undefined) {
      if (!(await this.unblock())) return this.connection.close();
    }
  }

  /** Sends CLIENT UNBLOCK. Reads that reach the server after it still block. @returns whether it replied. */
  async #unblock(): Promise<boolean> {
    const id = this.#clientId;
    if (id === undefined) return false;
    const unblocking = this.#commands.run((redis) => redis.client("UNBLOCK", id));
    try {
      await withTimeout(unblocking, unblockMs, this.#clock, () => new Error("no answer to CLIENT UNBLOCK"));
      return true;
    } catch {
      return false;
    }
  }

  #askClientId(): void {
    this.#clientId = undefined;
    this.connection
      .run((redis) => redis.client("ID"))
      .then(
        (id) => {
          this.#clientId = id;
        },
        // If the connection breaks, the id is requested again after the reconnect.
        () => {},
      );
  }

  #stalled(): Error {
    const failure = new Error("a read did not end in time");
    void this.connection.rebuild(failure);
    return failure;
  }
}

/** With RESP 3, the reply is a pair of a key and its entries. With RESP 2, it is a list with this pair. */
function entriesOf(reply: unknown): readonly QueueEntry[] {
  if (!Array.isArray(reply)) return [];
  const [first, second] = reply;
  return Array.isArray(first) ? first[1] : second;
}
