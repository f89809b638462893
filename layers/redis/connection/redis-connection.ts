import { Redis } from "ioredis";
import type { Clock } from "../../clock.ts";
import { LayerUnavailableError } from "../../errors.ts";
import { backoffMs } from "../../retry.ts";
import { withTimeout } from "../../with-timeout.ts";
import { atTurnEnd } from "./end-of-turn.ts";
import type { AnyConnectionOptions, RedisServer } from "./server-options.ts";

export interface RedisConnectionListener {
  /** The connection is ready for commands: for the first time, or again. */
  up(): void;
  /** The connection is closed, and its subscriptions at the server are gone. */
  down(): void;
  /** An outage has begun, or continues for another reason. Called once per outage and reason. */
  error(error: Error): void;
}

/** Replies of a cluster node that does not serve the slot: a new connection finds the right node. */
const wrongNode = /^(?:MOVED|CLUSTERDOWN|READONLY) /;

const closeTimeoutMs = 1_000;

/** One connection to a Redis server, which reconnects by itself once it has been up. */
export class RedisConnection {
  readonly redis: Redis;
  readonly #role: string;
  readonly #server: RedisServer;
  readonly #listener: RedisConnectionListener;
  readonly #clock: Clock;
  readonly #reported = new Set<string>();
  #failure: Error | undefined;
  #wasUp = false;
  #breaking: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #giveUp: (() => void) | undefined;
  #isCorked = false;

  /** @param role the purpose of the connection, shown in errors and in `CLIENT LIST`. */
  constructor(role: string, server: RedisServer, listener: RedisConnectionListener, clock: Clock) {
    this.#role = role;
    this.#server = server;
    this.#listener = listener;
    this.#clock = clock;
    const { create = (options: AnyConnectionOptions) => new Redis(options) } = server;
    this.redis = create({
      connectionName: `greenroom-${role}`,
      ...server.options,
      // If the first attempt fails, `open` rejects; only a connection that was up reconnects.
      retryStrategy: (attempt) => (this.#wasUp ? backoffMs(attempt) : null),
      // Nothing cancels this pause, so it is short.
      sentinelRetryStrategy: (attempt) =>
        this.#wasUp ? Math.min(backoffMs(attempt), closeTimeoutMs / 2) : null,
    });
    this.redis.on("ready", () => this.#up());
    this.redis.on("close", () => this.#down());
    this.redis.on("error", (error) => {
      ignoreMoreSocketErrors(this.redis);
      this.#failed(error);
    });
  }

  get isUp(): boolean {
    return this.redis.status === "ready";
  }

  /** The reason why a connection that was up is down, unless it was closed. */
  get outage(): LayerUnavailableError | undefined {
    return this.#wasUp && !this.isUp && this.#closing === undefined ? this.notConnected : undefined;
  }

  get notConnected(): LayerUnavailableError {
    return this.unavailable("is not connected");
  }

  /** An error with the address (without the password), `what` happened, and the cause if it is known. */
  unavailable(what: string, cause: Error | undefined = this.#failure): LayerUnavailableError {
    const { address } = this.#server;
    const why = cause === undefined ? "" : `: ${cause.message}`;
    return new LayerUnavailableError(`Redis at ${address} ${what} (${this.#role})${why}`, { cause });
  }

  /** @throws {LayerUnavailableError} with the address, without the password, after closing the connection. */
  async open(): Promise<void> {
    const { connectTimeoutMs } = this.#server;
    const late = () => new Error(`no answer within ${connectTimeoutMs} ms`);
    const givenUp = new Promise<never>((_, reject) => {
      this.#giveUp = () => reject(new Error("closed meanwhile"));
    });
    try {
      await withTimeout(Promise.race([this.redis.connect(), givenUp]), connectTimeoutMs, this.#clock, late);
    } catch (error) {
      const failure = this.unavailable("cannot be reached", this.#failure ?? withoutCommand(error));
      await this.close();
      throw failure;
    }
  }

  /**
   * Runs one command. The commands of one turn of the event loop are written together, at its end.
   *
   * @throws {LayerUnavailableError} at once in an outage, if the connection breaks before the reply, and if
   *   the server refuses the command (see {@link isRefusal}).
   */
  async run<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    this.#cork();
    try {
      return await command(this.redis);
    } catch (error) {
      const cause = withoutCommand(error);
      const what = isRefusal(cause) ? "refuses a command" : "did not answer a command";
      const failure = this.isUp ? this.unavailable(what, cause) : this.notConnected;
      // Not a final refusal: the command rejects after `down`, like any command that an outage interrupts.
      if (wrongNode.test(cause.message)) await this.rebuild(cause);
      throw failure;
    }
  }

  /** Replaces a connection that looks healthy but is not. Resolves once the old one is closed. */
  rebuild(why: Error): Promise<void> {
    if (!this.isUp || this.#closing !== undefined) return Promise.resolve();
    if (this.#breaking !== undefined) return this.#breaking;
    this.#breaking = new Promise((resolve) => this.redis.once("close", () => resolve()));
    this.#failed(why);
    this.redis.disconnect(true);
    return this.#breaking;
  }

  /** Waits up to a second for outstanding replies, then disconnects. */
  close(): Promise<void> {
    this.#giveUp?.();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.isUp) {
      const late = () => new Error("no answer to QUIT");
      await withTimeout(this.redis.quit(), closeTimeoutMs, this.#clock, late).catch(() => {});
    }
    const { status } = this.redis;
    if (status === "end") return;
    const ended = new Promise<void>((resolve) => this.redis.once("end", () => resolve()));
    this.redis.disconnect();
    // ioredis emits no "end" in the pause before a reconnect, and a late one while Sentinels do not reply.
    if (status === "reconnecting") return;
    const late = () => new Error("no end of the connection");
    await withTimeout(ended, closeTimeoutMs, this.#clock, late).catch(() => {});
  }

  /** Separate writes double the CPU time per command (see docs/design/13-redis-publishing.md). */
  #cork(): void {
    if (this.#isCorked || !this.isUp) return;
    const { stream } = this.redis;
    this.#isCorked = true;
    stream.cork();
    atTurnEnd(() => {
      this.#isCorked = false;
      stream.uncork();
    });
  }

  #up(): void {
    // Nothing would stop the work that `up` starts.
    if (this.#closing !== undefined) return;
    this.#wasUp = true;
    this.#failure = undefined;
    this.#reported.clear();
    this.#listener.up();
  }

  #down(): void {
    this.#breaking = undefined;
    if (!this.#wasUp || this.#closing !== undefined) return;
    this.#listener.down();
    this.#failed(this.#failure ?? new Error("the connection was closed"));
  }

  #failed(error: Error): void {
    this.#failure = withoutCommand(error);
    if (!this.#wasUp || this.#closing !== undefined || this.#reported.has(error.message)) return;
    this.#reported.add(error.message);
    this.#listener.error(this.notConnected);
  }
}

/** Whether the server itself refused a command. After any other failure the server may still accept it. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Compares the name instead of the class: the user may have another copy of ioredis.
  return error.name === "ReplyError" || isRefusal(error.cause);
}

/**
 * Ignores further errors of a socket. ioredis listens for the first one only, but TLS may emit a second, such
 * as the alert after the client rejected a certificate, and an unhandled error ends the process.
 */
export function ignoreMoreSocketErrors({ stream }: Redis): void {
  // There is no stream until the first attempt to connect.
  stream?.on("error", () => {});
}

/** Removes the command from the error: a login command contains the password. */
function withoutCommand(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (!("command" in error)) return error;
  const { name, message } = error;
  return Object.assign(new Error(message), { name });
}
