import type { Redis } from "ioredis";
import { type Clock, systemClock } from "../../clock.ts";
import { type Effect, LayerUnavailableError } from "../../errors.ts";
import { backoffMs, pause, retry } from "../../retry.ts";
import { untilAborted } from "../../until-aborted.ts";
import { withTimeout } from "../../with-timeout.ts";
import { CallbackResultError } from "./callback-errors.ts";
import { createClient } from "./create-client.ts";
import type { AttemptContext } from "./credentials.ts";
import { atTurnEnd } from "./end-of-turn.ts";
import { type CommandLabel, Refusals, textOfLabel } from "./refusals.ts";
import { sentinelConnector } from "./sentinel-connector.ts";
import { type ServerFacts, UnsuitableServerError } from "./server-check.ts";
import type { RedisServer } from "./server-options.ts";
import { ServerWatch } from "./server-watch.ts";

export interface RedisConnectionListener {
  /** A client was created for an attempt to connect. Called before the client connects. */
  prepare?(redis: Redis): void;
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

/** Matches error replies that are not refusals, but tell of a wrong server. */
const wrongServer = /^(?:MOVED|ASK|TRYAGAIN|READONLY)\b/;

/** Matches error replies after which the same command may succeed later. The server did not execute it. */
const passing = /^(?:ASK|BUSY|CLUSTERDOWN|LOADING|MASTERDOWN|MOVED|READONLY|TRYAGAIN)\b/;

/** Matches error replies that are not refusals, but tell the state of a consumer group. */
const groupStates = /^(?:BUSYGROUP|NOGROUP|UNBLOCKED)\b/;

const closeTimeoutMs = 1_000;

/**
 * One connection to a Redis master. After the first successful connect, it reconnects by itself. Each attempt
 * to connect has a new client, so that it uses the current login. The connection checks the server at each
 * connect, and then every `checkMs`. A replica counts as an outage.
 */
export class RedisConnection {
  readonly #role: string;
  readonly #server: RedisServer;
  readonly #listener: RedisConnectionListener;
  readonly #clock: Clock;
  readonly #context: AttemptContext;
  readonly #refusals: Refusals;
  readonly #serverWatch: ServerWatch;
  readonly #reported = new Set<string>();
  readonly #stopping = new AbortController();
  /** The client of the last attempt to connect. */
  #redis: Redis | undefined;
  #failure: Error | undefined;
  #isUp = false;
  #wasUp = false;
  #breaking: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #isCorked = false;

  /** @param role the purpose of the connection, shown in errors and in `CLIENT LIST`. */
  constructor(role: string, server: RedisServer, listener: RedisConnectionListener, clock: Clock) {
    const { options } = server;
    this.#role = role;
    this.#server = {
      ...server,
      options: {
        connectionName: `greenroom-${role}`,
        ...options,
        ...(options.sentinels && { Connector: sentinelConnector() }),
      },
    };
    this.#listener = listener;
    this.#clock = clock;
    this.#refusals = new Refusals(clock);
    this.#serverWatch = new ServerWatch(server.checkMs ?? 5_000, clock, (why) => void this.#demoted(why));
    const owner = { onAsyncError: (error: unknown) => listener.error(withoutCommand(error)) };
    this.#context = { owner, clock, signal: this.#stopping.signal };
  }

  get isUp(): boolean {
    const redis = this.#redis;
    // A socket is not writable between the server's end of the connection and the event "close".
    return this.#isUp && redis?.status === "ready" && redis.stream.writable;
  }

  /** The facts that the server told at the last successful connect. Undefined before the first one. */
  get facts(): ServerFacts | undefined {
    return this.#serverWatch.facts;
  }

  /** Identifies the server process. If the server does not tell its id, each connect yields a new value. */
  get serverId(): string {
    return this.#serverWatch.serverId;
  }

  /**
   * The reason why commands fail now: the current outage, or else the newest of the commands that the server
   * refuses (see {@link Refusals}). Undefined before the first connect and after `close`.
   */
  get outage(): Error | undefined {
    if (!this.#wasUp || this.#closing !== undefined) return undefined;
    return this.isUp ? this.#refusals.latest : this.notConnected;
  }

  get notConnected(): LayerUnavailableError {
    return this.unavailable("is not connected", this.#failure, "none");
  }

  /** The message contains the address (without the password), the text `what`, and the cause if known. */
  unavailable(what: string, cause = this.#failure, effect: Effect = "unknown"): LayerUnavailableError {
    const { address } = this.#server;
    const why = cause === undefined ? "" : `: ${cause.message}`;
    return new LayerUnavailableError(`Redis at ${address} ${what} (${this.#role})${why}`, { cause, effect });
  }

  /**
   * @throws {LayerUnavailableError} with the address, if connecting fails. The connection is then closed.
   * @throws {CallbackResultError} if a function of the application returns a wrong client or login.
   */
  async open(): Promise<void> {
    const { connectTimeoutMs } = this.#server;
    const late = () => new Error(`no answer within ${connectTimeoutMs} ms`);
    try {
      await withTimeout(this.#attempt(), connectTimeoutMs, this.#clock, late);
    } catch (error) {
      const isWrong = error instanceof CallbackResultError;
      const cause = this.#failure ?? withoutCommand(error);
      const what = cause instanceof UnsuitableServerError ? "cannot be used" : "cannot be reached";
      const failure = isWrong ? error : this.unavailable(what, cause);
      await this.close();
      throw failure;
    }
  }

  /**
   * Runs one command. All commands of one turn of the event loop are written together at the turn's end.
   *
   * @param label names the command in errors and, if the server refuses the command, in {@link outage}.
   *   Without a label, a refusal does not count as an outage.
   * @throws {LayerUnavailableError} immediately if the connection is down; later if the connection breaks
   *   before the reply, or if the server refuses the command (see {@link isRefusal}).
   */
  async run<T>(command: (redis: Redis) => Promise<T>, label?: CommandLabel): Promise<T> {
    const redis = this.#redis;
    if (redis === undefined || !this.isUp) throw this.notConnected;
    this.#cork(redis);
    try {
      const reply = await command(redis);
      if (label !== undefined) this.#refusals.succeeded(label, reply);
      return reply;
    } catch (error) {
      const cause = withoutCommand(error);
      const isRefused = isRefusal(cause);
      const what = `${isRefused ? "refuses" : "did not answer"} ${label === undefined ? "a command" : textOfLabel(label)}`;
      const effect = isRefused ? (passing.test(cause.message) ? "none" : "refused") : "unknown";
      const failure = this.isUp
        ? this.unavailable(what, cause, effect)
        : this.unavailable("is not connected", this.#failure, effect);
      if (isRefused && label !== undefined) {
        // The commands of a group that is gone are not repeated.
        if (groupStates.test(cause.message)) this.#refusals.succeeded(label, 0);
        else if (!wrongServer.test(cause.message)) this.#refusals.refused(label, cause, failure);
      }
      // Reconnects, because another node may accept the command. Waits until callers can see the outage.
      if (cause.message.startsWith("READONLY ")) await this.#demoted(cause);
      else if (wrongNode.test(cause.message)) await this.rebuild(cause);
      throw failure;
    }
  }

  /** Reads nothing from the server until `until` resolves. The server, and its limits, keep what it has to send. */
  pauseReading(until: Promise<void>): void {
    const stream = this.#redis?.stream;
    if (stream === undefined || stream.isPaused()) return;
    stream.pause();
    void until.then(() => stream.resume());
  }

  /** Forgets that the server has refused commands with `key`. */
  forget(key: string): void {
    this.#refusals.forget(key);
  }

  /** Replaces a connection that is open but unusable. Resolves once the old connection is closed. */
  rebuild(why: Error): Promise<void> {
    const redis = this.#redis;
    if (redis === undefined || !this.isUp || this.#closing !== undefined) return Promise.resolve();
    if (this.#breaking !== undefined) return this.#breaking;
    this.#breaking = new Promise((resolve) => redis.once("close", () => resolve()));
    this.#failed(why);
    redis.disconnect();
    return this.#breaking;
  }

  /** Waits up to a second for outstanding replies, then disconnects. */
  close(): Promise<void> {
    this.#stopping.abort(new Error("closed meanwhile"));
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #demoted(why: Error): Promise<void> {
    this.#listener.demoted?.(why);
    return this.rebuild(why);
  }

  async #close(): Promise<void> {
    const redis = this.#redis;
    if (redis === undefined) return;
    if (this.isUp) {
      const late = () => new Error("no answer to QUIT");
      await withTimeout(redis.quit(), closeTimeoutMs, this.#clock, late).catch(() => {});
    }
    if (redis.status === "end") return;
    const ended = new Promise<void>((resolve) => redis.once("end", () => resolve()));
    redis.disconnect();
    // ioredis emits "end" late if no Sentinel replies.
    const late = () => new Error("the connection did not end in time");
    await withTimeout(ended, closeTimeoutMs, this.#clock, late).catch(() => {});
  }

  /** Makes one attempt to connect. Rejects at once when `close` is called. */
  #attempt(): Promise<void> {
    return untilAborted(this.#connect(), this.#stopping.signal);
  }

  async #connect(): Promise<void> {
    const { signal } = this.#stopping;
    let redis: Redis | undefined;
    // An event contains the cause of a refused login or certificate. The rejection of `connect` does not.
    let isExplained = false;
    try {
      redis = await createClient(this.#server, this.#context);
      signal.throwIfAborted();
      this.#watch(redis, () => {
        isExplained = true;
      });
      await redis.connect();
      await this.#serverWatch.begin(redis);
      signal.throwIfAborted();
      if (redis.status !== "ready") throw new Error("the connection was closed");
    } catch (error) {
      if (!isExplained) this.#failed(error);
      redis?.disconnect();
      throw error;
    }
    this.#up();
  }

  #watch(redis: Redis, onError: () => void): void {
    this.#redis = redis;
    redis.on("error", (error) => {
      ignoreMoreSocketErrors(redis);
      onError();
      this.#failed(error);
    });
    redis.on("close", () => this.#down(redis));
    this.#listener.prepare?.(redis);
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#stopping;
    // Uses the timers of Node: a reconnect depends on a server, which does not follow a simulated clock.
    const clock = systemClock;
    await pause(backoffMs(1), clock, signal);
    if (!signal.aborted) await retry(() => this.#attempt(), { clock, signal }).catch(() => {});
  }

  /** Combines the writes of one event loop turn to save CPU time; see docs/design/13-redis-publishing.md. */
  #cork({ stream }: Redis): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    stream.cork();
    atTurnEnd(() => {
      this.#isCorked = false;
      stream.uncork();
    });
  }

  #up(): void {
    this.#isUp = true;
    this.#wasUp = true;
    this.#failure = undefined;
    this.#reported.clear();
    this.#listener.up();
  }

  #down(redis: Redis): void {
    this.#serverWatch.end();
    // Ends the connections to Sentinels, which ioredis would leave open.
    if (redis.options.failoverDetector) redis.disconnect();
    this.#breaking = undefined;
    if (!this.#isUp) return;
    this.#isUp = false;
    if (this.#closing !== undefined) return;
    this.#listener.down();
    this.#failed(this.#failure ?? new Error("the connection was closed"));
    void this.#reconnect();
  }

  #failed(error: unknown): void {
    const failure = withoutCommand(error);
    this.#failure = failure;
    if (!this.#wasUp || this.#closing !== undefined || this.#reported.has(failure.message)) return;
    this.#reported.add(failure.message);
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

/**
 * Removes the command from the error, because a login contains the password, and a publication the payload.
 * The server's reply to an unknown command contains the command's arguments.
 */
export function withoutCommand(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const message = error.message.replace(/,? with args beginning with:.*/s, "");
  if (!("command" in error) && message === error.message) return error;
  return Object.assign(new Error(message), { name: error.name });
}
