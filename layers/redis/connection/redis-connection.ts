import { Redis } from "ioredis";
import { runOwned } from "../../async-errors.ts";
import type { Clock } from "../../clock.ts";
import { asError, LayerUnavailableError } from "../../errors.ts";
import { backoffMs } from "../../retry.ts";
import { withTimeout } from "../../with-timeout.ts";
import { atTurnEnd } from "./end-of-turn.ts";
import { type ServerFacts, UnsuitableServerError } from "./server-check.ts";
import type { AnyConnectionOptions, RedisServer } from "./server-options.ts";
import { ServerWatch } from "./server-watch.ts";

export interface RedisConnectionListener {
  /** The connection is ready for commands. Called after the first connect and after each reconnect. */
  up(): void;
  /** The connection is closed. The server has dropped the connection's subscriptions. */
  down(): void;
  /** An outage has begun, or its cause has changed. Called once per cause in each outage. */
  error(error: Error): void;
  /** The server has become a replica. Other connections to the same server should be replaced, too. */
  demoted?(error: Error): void;
}

/** Matches the errors of a node that does not serve a command's slot. The layer reconnects after these. */
const wrongNode = /^(?:MOVED|CLUSTERDOWN) /;

const closeTimeoutMs = 1_000;

/**
 * One connection to a Redis master. After the first successful connect, it reconnects by itself. It checks the
 * server at each connect, and then every `checkMs`. A replica counts as an outage.
 */
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
  readonly #watch: ServerWatch;
  #checking: Promise<void> | undefined;
  #isChecked = false;
  /** The number of failed checks since the last successful one. ioredis does not count them as failures. */
  #failedChecks = 0;

  /** @param role the purpose of the connection, shown in errors and in `CLIENT LIST`. */
  constructor(role: string, server: RedisServer, listener: RedisConnectionListener, clock: Clock) {
    this.#role = role;
    this.#server = server;
    this.#listener = listener;
    this.#clock = clock;
    this.#watch = new ServerWatch(server.checkMs ?? 5_000, clock, (why) => void this.#demoted(why));
    const options: AnyConnectionOptions = {
      connectionName: `greenroom-${role}`,
      ...server.options,
      // If the first attempt fails, `open` rejects; only a connection that was up reconnects.
      retryStrategy: (attempt) => (this.#wasUp ? backoffMs(attempt + this.#failedChecks) : null),
      // This pause is short, because `close` cannot cancel a pause.
      sentinelRetryStrategy: (attempt) =>
        this.#wasUp ? Math.min(backoffMs(attempt), closeTimeoutMs / 2) : null,
    };
    // `create` is a function of the application.
    const owner = { onAsyncError: (error: unknown) => listener.error(withoutCommand(error)) };
    const { create } = server;
    this.redis = create === undefined ? new Redis(options) : runOwned(owner, create, options);
    this.redis.on("ready", () => {
      this.#checking = this.#check();
    });
    this.redis.on("close", () => this.#down());
    this.redis.on("error", (error) => {
      ignoreMoreSocketErrors(this.redis);
      this.#failed(error);
    });
  }

  get isUp(): boolean {
    return this.#isChecked && this.redis.status === "ready";
  }

  /** The facts that the server told at the last successful connect. Undefined before the first one. */
  get facts(): ServerFacts | undefined {
    return this.#watch.facts;
  }

  /** Identifies the server process. If the server does not tell its id, each connect yields a new value. */
  get serverId(): string {
    return this.#watch.serverId;
  }

  /** The error of the current outage. Undefined before the first connect and after `close`. */
  get outage(): LayerUnavailableError | undefined {
    return this.#wasUp && !this.isUp && this.#closing === undefined ? this.notConnected : undefined;
  }

  get notConnected(): LayerUnavailableError {
    return this.unavailable("is not connected");
  }

  /** The message contains the address (without the password), the text `what`, and the cause if known. */
  unavailable(what: string, cause: Error | undefined = this.#failure): LayerUnavailableError {
    const { address } = this.#server;
    const why = cause === undefined ? "" : `: ${cause.message}`;
    return new LayerUnavailableError(`Redis at ${address} ${what} (${this.#role})${why}`, { cause });
  }

  /** @throws {LayerUnavailableError} with the address, if connecting fails. The connection is then closed. */
  async open(): Promise<void> {
    const { connectTimeoutMs } = this.#server;
    const late = () => new Error(`no answer within ${connectTimeoutMs} ms`);
    const givenUp = new Promise<never>((_, reject) => {
      this.#giveUp = () => reject(new Error("closed meanwhile"));
    });
    try {
      await withTimeout(Promise.race([this.#connect(), givenUp]), connectTimeoutMs, this.#clock, late);
    } catch (error) {
      const cause = this.#failure ?? withoutCommand(error);
      const what = cause instanceof UnsuitableServerError ? "cannot be used" : "cannot be reached";
      const failure = this.unavailable(what, cause);
      await this.close();
      throw failure;
    }
  }

  /**
   * Runs one command. All commands of one turn of the event loop are written together at the turn's end.
   *
   * @throws {LayerUnavailableError} immediately if the connection is down; later if the connection breaks
   *   before the reply, or if the server refuses the command (see {@link isRefusal}).
   */
  async run<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    if (!this.isUp) throw this.notConnected;
    this.#cork();
    try {
      return await command(this.redis);
    } catch (error) {
      const cause = withoutCommand(error);
      const what = isRefusal(cause) ? "refuses a command" : "did not answer a command";
      const failure = this.isUp ? this.unavailable(what, cause) : this.notConnected;
      // Reconnects, because another node may accept the command. Waits until callers can see the outage.
      if (cause.message.startsWith("READONLY ")) await this.#demoted(cause);
      else if (wrongNode.test(cause.message)) await this.rebuild(cause);
      throw failure;
    }
  }

  /** Replaces a connection that is open but unusable. Resolves once the old connection is closed. */
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

  async #connect(): Promise<void> {
    await this.redis.connect();
    await this.#checking;
    if (!this.isUp) throw this.#failure ?? new Error("the connection was closed");
  }

  /** Checks the server of a new connection. Disconnects if the layer must not use the server. */
  async #check(): Promise<void> {
    try {
      await this.#watch.begin(this.redis);
    } catch (error) {
      if (this.redis.status !== "ready") return;
      this.#failedChecks += 1;
      // If the connection broke, its error is known already.
      if (error instanceof UnsuitableServerError || isRefusal(error)) this.#failed(asError(error));
      this.redis.disconnect(true);
      return;
    }
    this.#up();
  }

  #demoted(why: Error): Promise<void> {
    this.#listener.demoted?.(why);
    return this.rebuild(why);
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
    // ioredis emits no "end" event in a pause before a reconnect, and emits it late if no Sentinel replies.
    if (status === "reconnecting") return;
    const late = () => new Error("the connection did not end in time");
    await withTimeout(ended, closeTimeoutMs, this.#clock, late).catch(() => {});
  }

  /** Combines the writes of one event loop turn to save CPU time; see docs/design/13-redis-publishing.md. */
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
    // `up` is not called during `close`, because nothing would stop the work that the listener starts.
    if (this.#closing !== undefined) return;
    this.#wasUp = true;
    this.#isChecked = true;
    this.#failedChecks = 0;
    this.#failure = undefined;
    this.#reported.clear();
    this.#listener.up();
  }

  #down(): void {
    this.#breaking = undefined;
    this.#isChecked = false;
    this.#watch.end();
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

/** Whether the server itself refused a command. After any other failure, a retry may succeed. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Compares the name instead of the class, because the user may have another copy of ioredis.
  return error.name === "ReplyError" || isRefusal(error.cause);
}

/**
 * Ignores further errors of a socket. ioredis listens for the first error only, and a TLS socket may emit a
 * second one. An error without a listener would end the process.
 */
export function ignoreMoreSocketErrors({ stream }: Redis): void {
  // The stream is undefined before the first attempt to connect.
  stream?.on("error", () => {});
}

/** Removes the command from the error, because a login command contains the password. */
function withoutCommand(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (!("command" in error)) return error;
  const { name, message } = error;
  return Object.assign(new Error(message), { name });
}
