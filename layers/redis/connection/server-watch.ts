import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { Clock } from "../../clock.ts";
import { asError } from "../../errors.ts";
import { jitter } from "../../jitter.ts";
import { checkServer, refuseReplica, type ServerFacts, UnsuitableServerError } from "./server-check.ts";

/**
 * Checks the server of one connection: at each connect, and then repeatedly, because a failover may turn the
 * server into a replica without breaking its connections.
 */
export class ServerWatch {
  readonly #checkMs: number;
  readonly #clock: Clock;
  readonly #onDemoted: (why: UnsuitableServerError) => void;
  #ending = new AbortController();
  #serverId = "";
  #facts: ServerFacts | undefined;
  #timer: unknown;

  /**
   * @param checkMs the mean pause between two checks.
   * @param onDemoted called if the server has become a replica. The checks then end until the next `begin`.
   */
  constructor(checkMs: number, clock: Clock, onDemoted: (why: UnsuitableServerError) => void) {
    this.#checkMs = checkMs;
    this.#clock = clock;
    this.#onDemoted = onDemoted;
  }

  /** The facts that the server told at the last `begin`. Undefined before the first one. */
  get facts(): ServerFacts | undefined {
    return this.#facts;
  }

  /** Identifies the server process. If the server does not tell its id, each connect yields a new value. */
  get serverId(): string {
    return this.#serverId;
  }

  /**
   * Must be called on each new connection, before its first command. Resolves once the server may be used.
   *
   * @throws {UnsuitableServerError} if the server is a replica, or does not tell its role.
   * @throws {Error} if the connection breaks, or `end` is called.
   */
  async begin(redis: Redis): Promise<void> {
    const { signal } = this.#ending;
    const facts = await checkServer(redis, this.#clock, signal);
    signal.throwIfAborted();
    this.#facts = facts;
    this.#serverId = facts.runId ?? randomUUID();
    this.#schedule(redis);
  }

  /** Must be called if the connection breaks. */
  end(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#ending.abort();
    this.#ending = new AbortController();
  }

  #schedule(redis: Redis): void {
    const ms = jitter(this.#checkMs, 0.75, 1.25);
    this.#timer = this.#clock.setTimeout(() => void this.#checkAgain(redis), ms);
  }

  async #checkAgain(redis: Redis): Promise<void> {
    const { signal } = this.#ending;
    const failure = await refuseReplica(redis).catch(asError);
    if (signal.aborted) return;
    // Other failures are ignored: for example, with RESP 2 a subscriber cannot ask for the role.
    if (failure instanceof UnsuitableServerError) this.#onDemoted(failure);
    else this.#schedule(redis);
  }
}
