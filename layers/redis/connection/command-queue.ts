import type { Clock } from "../../clock.ts";
import { withTimeout } from "../../with-timeout.ts";
import { atTurnEnd } from "./end-of-turn.ts";
import { InFlightBytes } from "./in-flight-bytes.ts";
import type { CommandLimits } from "./pubsub-settings.ts";

/** The connection that a {@link CommandQueue} sends over. */
export interface CommandConnection {
  readonly isUp: boolean;
  /** Whether the first attempt to connect is under way. @default false */
  readonly isOpening?: boolean;
  unavailable(what: string): Error;
}

interface Waiting {
  readonly bytes: number;
  timer?: unknown;
  begin(): void;
  reject(error: Error): void;
}

/** Limits during the first attempt to connect, which ends by itself after `connectTimeoutMs`. */
const openingLimits = { capacity: 100_000, maxBytes: 64 * 1024 * 1024, deadlineMs: undefined };

/**
 * Runs commands in the order of the calls, over a connection that may break and reconnect. In an outage,
 * commands wait, but their number, total size and time are limited. If a limit is exceeded, `run` rejects,
 * and the command never begins. A command begins at most once: if its reply is lost, `run` rejects, but the
 * server may have executed the command.
 */
export class CommandQueue {
  readonly #connection: CommandConnection;
  readonly #limits: CommandLimits;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  readonly #inFlight = new InFlightBytes();
  #waitingBytes = 0;
  #onEmpty = () => {};

  constructor(connection: CommandConnection, limits: CommandLimits, clock: Clock) {
    this.#connection = connection;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Whether no command waits. Commands whose replies are outstanding do not count. */
  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** @param bytes the size of the command's payload. */
  run<T>(bytes: number, command: () => Promise<T>): Promise<T> {
    if (this.isEmpty && this.#canSend) return this.#begin(bytes, command);
    return new Promise((resolve, reject) => {
      this.#add({ bytes, begin: () => this.#begin(bytes, command).then(resolve, reject), reject });
    });
  }

  /** Begins the waiting commands. Must be called after each connect. */
  flush(): void {
    for (const waiting of this.#waiting) {
      if (!this.#canSend) return;
      this.#remove(waiting);
      waiting.begin();
    }
  }

  /** Applies the limits to the waiting commands. Must be called once the first attempt to connect has failed. */
  limit(): void {
    const all = [...this.#waiting];
    this.#waiting.clear();
    this.#waitingBytes = 0;
    for (const waiting of all) this.#add(waiting);
    if (this.isEmpty) this.#onEmpty();
  }

  /** Rejects the commands that wait. */
  abandon(): void {
    for (const waiting of this.#waiting) this.#refuse(waiting);
  }

  /** Waits up to `ms` until no command waits, and rejects the rest. Resolves once the begun ones are written. */
  async close(ms: number): Promise<void> {
    if (this.isEmpty) return;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    await withTimeout(empty, ms, this.#clock, () => new Error("not in time")).catch(() => {});
    this.abandon();
    // A batch of publications is written at the end of the turn.
    await new Promise<void>(atTurnEnd);
  }

  get #canSend(): boolean {
    return this.#connection.isUp && !this.#inFlight.isFull;
  }

  get #failure(): string {
    return this.#connection.isUp ? "replies too slowly" : "is not connected";
  }

  async #begin<T>(bytes: number, command: () => Promise<T>): Promise<T> {
    try {
      return await this.#inFlight.during(bytes, command);
    } finally {
      if (!this.isEmpty) this.flush();
    }
  }

  #add(waiting: Waiting): void {
    const { capacity, maxBytes, deadlineMs } = this.#connection.isOpening ? openingLimits : this.#limits;
    if (this.#waiting.size >= capacity || this.#waitingBytes + waiting.bytes > maxBytes) {
      waiting.reject(this.#connection.unavailable(this.#failure));
      return;
    }
    if (deadlineMs !== undefined) {
      const late = () => this.#refuse(waiting, ` after ${deadlineMs} ms`);
      waiting.timer = this.#clock.setTimeout(late, deadlineMs);
    }
    this.#waiting.add(waiting);
    this.#waitingBytes += waiting.bytes;
  }

  #refuse(waiting: Waiting, after = ""): void {
    this.#remove(waiting);
    waiting.reject(this.#connection.unavailable(this.#failure + after));
  }

  #remove(waiting: Waiting): void {
    this.#clock.clearTimeout(waiting.timer);
    this.#waiting.delete(waiting);
    this.#waitingBytes -= waiting.bytes;
    if (this.isEmpty) this.#onEmpty();
  }
}
