import type { Redis } from "ioredis";
import type { Clock } from "../../clock.ts";
import { asError, LayerUnavailableError } from "../../errors.ts";
import { retry } from "../../retry.ts";
import { type CommandConnection, CommandQueue } from "./command-queue.ts";
import type { CommandLimits } from "./pubsub-settings.ts";
import { RedisConnection, type RedisConnectionListener } from "./redis-connection.ts";
import type { CommandLabel } from "./refusals.ts";
import type { RedisServer } from "./server-options.ts";

/**
 * A connection that opens at the first call of {@link runWhenUp}. While calls wait, failed attempts to open
 * are repeated. Once the connection was up, it reconnects by itself.
 */
export class LazyConnection implements CommandConnection {
  readonly #connectTimeoutMs: number;
  readonly #clock: Clock;
  readonly #create: () => RedisConnection;
  readonly #queue: CommandQueue;
  readonly #closing = new AbortController();
  #connection: RedisConnection | undefined;
  /** The reason why the last attempt to open failed. */
  #failure: Error | undefined;
  #isStarted = false;
  #isOpening = true;

  /** @param role the purpose of the connection, shown in errors and in `CLIENT LIST`. */
  constructor(
    role: string,
    server: RedisServer,
    listener: RedisConnectionListener,
    limits: CommandLimits,
    clock: Clock,
  ) {
    const up = () => {
      this.#isOpening = false;
      this.#failure = undefined;
      this.#queue.flush();
      listener.up();
    };
    this.#connectTimeoutMs = server.connectTimeoutMs;
    this.#clock = clock;
    this.#create = () => new RedisConnection(role, server, { ...listener, up }, clock);
    this.#queue = new CommandQueue(this, limits, clock);
  }

  get isUp(): boolean {
    return this.#connection?.isUp ?? false;
  }

  /** True until the first attempt to open has ended. */
  get isOpening(): boolean {
    return this.#isOpening;
  }

  /** The error of the current outage. Undefined before the first connect and after `close`. */
  get outage(): Error | undefined {
    return this.#connection?.outage;
  }

  unavailable(what: string): Error {
    return this.#connection?.unavailable(what, this.#failure) ?? asError(this.#failure);
  }

  /** Like {@link RedisConnection.run}: rejects immediately if the connection is down. */
  async run<T>(command: (redis: Redis) => Promise<T>, label?: CommandLabel): Promise<T> {
    if (this.#connection === undefined) throw this.unavailable("is not connected");
    return this.#connection.run(command, label);
  }

  /**
   * Runs `work` once the connection is up, after all earlier calls. See {@link CommandQueue} for the limits.
   *
   * @param bytes the size of the payload that `work` sends.
   */
  runWhenUp<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const result = this.#queue.run(bytes, work);
    if (!this.#isStarted) this.#start();
    return result;
  }

  /** Rejects the calls that wait. */
  abandon(): void {
    this.#queue.abandon();
  }

  /** Waits up to `connectTimeoutMs` for the calls that wait, then closes like {@link RedisConnection.close}. */
  async close(): Promise<void> {
    await this.#queue.close(this.#connectTimeoutMs);
    this.#closing.abort();
    await this.#connection?.close();
  }

  #start(): void {
    this.#isStarted = true;
    const { signal } = this.#closing;
    retry(() => this.#open(), { clock: this.#clock, signal, onFailure: (error) => this.#onFailure(error) })
      // The calls that waited have been rejected.
      .catch(() => {});
  }

  async #open(): Promise<void> {
    this.#connection = this.#create();
    await this.#connection.open();
  }

  #onFailure(error: unknown): void {
    this.#failure = asError(error instanceof LayerUnavailableError ? error.cause : error);
    if (this.#isOpening) {
      this.#isOpening = false;
      this.#queue.limit();
    }
    if (!this.#queue.isEmpty) return;
    // The next call starts again.
    this.#isStarted = false;
    throw error;
  }
}
