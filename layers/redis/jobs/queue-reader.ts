import type { Clock } from "../../clock.ts";
import { withTimeout } from "../../with-timeout.ts";
import { RedisConnection, type RedisConnectionListener } from "../connection/redis-connection.ts";
import type { RedisServer } from "../connection/server-options.ts";

const maxBlockMs = 2_000;

/** How long the server may take to unblock a read before the connection is closed instead. */
const unblockMs = 1_000;

/** How long to wait until the read is unblocked again: it may not have reached the server yet. */
const unblockAgainMs = 5;

/** An entry of a queue's stream. Its fields are names and values alternately. */
export type QueueEntry = readonly [id: Buffer, fields: readonly Buffer[]];

/** A connection for commands, because the reader's own is blocked. */
export type Commands = Pick<RedisConnection, "run">;

/**
 * The connection on which one consumption waits for entries. It carries no other commands, because a blocked
 * read delays them.
 *
 * Every read ends: the server blocks for at most two seconds, and if the reply does not arrive completely,
 * the reader reconnects.
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
    // A longer block would exceed `socketTimeout`.
    this.#maxBlockMs = Math.min(maxBlockMs, server.connectTimeoutMs / 2);
    const up = () => {
      this.#askClientId();
      listener.up();
    };
    this.connection = new RedisConnection("queue-reader", server, { ...listener, up }, clock);
  }

  /** @throws {LayerUnavailableError} */
  async read(
    stream: string,
    group: string,
    consumer: string,
    limit: number,
    blockMs: number,
  ): Promise<readonly QueueEntry[]> {
    // BLOCK 0 would block for ever.
    const block = Math.max(1, Math.ceil(Math.min(blockMs, this.#maxBlockMs)));
    const reading = this.connection.run((redis) =>
      redis.callBuffer(
        ...(["XREADGROUP", "GROUP", group, consumer, "COUNT", limit, "BLOCK", block] as const),
        ...(["STREAMS", stream, ">"] as const),
      ),
    );
    this.#reading = reading;
    try {
      return entriesOf(
        await withTimeout(reading, block + this.#timeoutMs, this.#clock, () => this.#stalled()),
      );
    } finally {
      this.#reading = undefined;
    }
  }

  /** Ends the current read soon. */
  async interrupt(): Promise<void> {
    while (this.#reading !== undefined) {
      const reading = this.#reading;
      if (!(await this.#unblock())) return this.connection.close();
      const late = () => new Error("not blocked yet");
      await withTimeout(reading, unblockAgainMs, this.#clock, late).catch(() => {});
    }
  }

  /** Returns whether the server replied. A read that has not reached the server yet stays blocked. */
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
        // The connection broke: the next one asks again.
        () => {},
      );
  }

  #stalled(): Error {
    this.connection.redis.disconnect(true);
    return new Error("a read did not end in time");
  }
}

/** RESP 3 replies with key and entries, RESP 2 with a list of such pairs. */
function entriesOf(reply: unknown): readonly QueueEntry[] {
  if (!Array.isArray(reply)) return [];
  const [first, second] = reply;
  return Array.isArray(first) ? first[1] : second;
}
