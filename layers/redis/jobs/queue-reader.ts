import type { Clock } from "../../clock.ts";
import { withTimeout } from "../../with-timeout.ts";
import { RedisConnection, type RedisConnectionListener } from "../connection/redis-connection.ts";
import type { RedisServer } from "../connection/server-options.ts";

/** The longest time that a read waits at the server, in milliseconds. */
const maxBlockMs = 2_000;

/** How long the server may take to unblock a read, in milliseconds, before the connection is closed instead. */
const unblockMs = 1_000;

/** The pause before a read that was not blocked yet is unblocked again, in milliseconds. */
const againMs = 5;

/** An entry of a queue's stream: its id, then names and values alternately. */
export type QueueEntry = readonly [id: Buffer, fields: readonly Buffer[]];

/** A connection for commands: the reader's own is blocked. */
export type Commands = Pick<RedisConnection, "run">;

/**
 * The connection on which one consumption waits for entries. It carries nothing else, because a blocked read delays all
 * later commands.
 *
 * Every read ends: the server ends it after two seconds at most, and if its answer does not arrive completely, the
 * connection is made anew.
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
    // A read that blocks longer than a command may take would count as dead.
    this.#maxBlockMs = Math.min(maxBlockMs, server.connectTimeoutMs / 2);
    const up = () => {
      this.#askClientId();
      listener.up();
    };
    this.connection = new RedisConnection("queue-reader", server, { ...listener, up }, clock);
  }

  /**
   * Up to `limit` entries that no consumer of `group` has had, as soon as there are any; none after `blockMs`.
   *
   * @throws {LayerUnavailableError}
   */
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

  /** Makes the current read end soon. */
  async interrupt(): Promise<void> {
    while (this.#reading !== undefined) {
      const reading = this.#reading;
      if (!(await this.#unblock())) return this.connection.close();
      await withTimeout(reading, againMs, this.#clock, () => new Error("not blocked yet")).catch(() => {});
    }
  }

  /** Returns whether the server answered. A read that has not reached it yet is not unblocked by that. */
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
        // The connection broke again: the next one has another id.
        () => {},
      );
  }

  #stalled(): Error {
    this.connection.redis.disconnect(true);
    return new Error("a read did not end");
  }
}

/** The entries of the one stream that was read: RESP 3 has key and entries, RESP 2 a list of such pairs. */
function entriesOf(reply: unknown): readonly QueueEntry[] {
  if (!Array.isArray(reply)) return [];
  const [first, second] = reply;
  return Array.isArray(first) ? first[1] : second;
}
