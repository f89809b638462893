import type { Clock } from "../../clock.ts";
import type { LayerUnavailableError } from "../../errors.ts";
import { withTimeout } from "../../with-timeout.ts";
import { type LinkListener, RedisConnection } from "../connection/redis-connection.ts";
import type { RedisServer } from "../connection/server-options.ts";

/** How long a read may wait at the server, at most, in milliseconds. */
const longestBlockMs = 2_000;

/** How long the server may take to unblock a read, in milliseconds, until the connection is closed instead. */
const unblockMs = 1_000;

/** How long to wait until a read that was not yet blocked is unblocked again, in milliseconds. */
const againMs = 5;

/** An entry of a stream: its id, and names and values by turns. */
export type Entry = readonly [id: Buffer, fields: readonly Buffer[]];

/** Sends a command over another connection than the reader's, which is blocked. */
export type Commands = Pick<RedisConnection, "run">;

/**
 * The connection on which one consumption waits for entries. Nothing else goes over it, since a read that waits holds
 * up all that comes behind it.
 *
 * Every read ends: the server ends it after two seconds at most, and if its answer does not come, or not whole, the
 * connection is cut and made anew.
 */
export class RedisQueueReader {
  readonly #link: RedisConnection;
  readonly #commands: Commands;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #longestBlockMs: number;
  #clientId: number | undefined;
  #reading: Promise<unknown> | undefined;

  constructor(server: RedisServer, commands: Commands, listener: LinkListener, clock: Clock) {
    this.#commands = commands;
    this.#clock = clock;
    this.#timeoutMs = server.connectTimeoutMs;
    // What blocks longer than a command may take counts as dead.
    this.#longestBlockMs = Math.min(longestBlockMs, server.connectTimeoutMs / 2);
    const up = () => {
      this.#askClientId();
      listener.up();
    };
    this.#link = new RedisConnection("queue-reader", server, { ...listener, up }, clock);
  }

  get isUp(): boolean {
    return this.#link.isUp;
  }

  /** See {@link RedisConnection.outage}. */
  get outage(): LayerUnavailableError | undefined {
    return this.#link.outage;
  }

  /** @throws {LayerUnavailableError} */
  open(): Promise<void> {
    return this.#link.open();
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
  ): Promise<readonly Entry[]> {
    // None would be for ever.
    const block = Math.max(1, Math.ceil(Math.min(blockMs, this.#longestBlockMs)));
    const reading = this.#link.run((redis) =>
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

  /** Makes the read that is under way end soon. */
  async interrupt(): Promise<void> {
    while (this.#reading !== undefined) {
      const reading = this.#reading;
      if (!(await this.#unblock())) return this.#link.close();
      await withTimeout(reading, againMs, this.#clock, () => new Error("not blocked yet")).catch(() => {});
    }
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  /** Whether the server has understood. Where the read has not reached it yet, that does not help. */
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
    this.#link
      .run((redis) => redis.client("ID"))
      .then(
        (id) => {
          this.#clientId = id;
        },
        // The connection has broken again: the next one has another.
        () => {},
      );
  }

  #stalled(): Error {
    this.#link.redis.disconnect(true);
    return new Error("a read did not end");
  }
}

/** The entries of the one stream that was read: RESP 3 gives key and entries, RESP 2 a list of such pairs. */
function entriesOf(reply: unknown): readonly Entry[] {
  if (!Array.isArray(reply)) return [];
  const [first, second] = reply;
  return Array.isArray(first) ? first[1] : second;
}
