import type { Clock } from "../../clock.ts";
import { InvalidOptionError } from "../../errors.ts";
import { checkMs } from "../connection/check-ms.ts";
import { UnansweredBytes } from "../connection/in-flight-bytes.ts";

/** What waits while the connection is down, and for how long. */
export interface PublishQueueOptions {
  /** How many messages may wait; 0 fails each at once. @default 1000 */
  readonly capacity?: number;
  /** How many bytes of messages may wait. @default 16777216 */
  readonly maxBytes?: number;
  /** How long a message may wait, in milliseconds, before its sender is told that it reached nobody. @default 500 */
  readonly deadlineMs?: number;
}

/** Options without a choice left. */
export type PublishLimits = Required<PublishQueueOptions>;

const defaults: PublishLimits = { capacity: 1_000, maxBytes: 16 * 1024 * 1024, deadlineMs: 500 };

/** @throws {InvalidOptionError} if an option is no number, or negative, or the deadline more than a timer can take. */
export function publishLimits(options: PublishQueueOptions = {}): PublishLimits {
  const limits = { ...defaults, ...options };
  checkMs("publishQueue.deadlineMs", limits.deadlineMs, { orNone: true });
  for (const name of ["capacity", "maxBytes"] as const) {
    const value = limits[name];
    if (typeof value === "number" && value >= 0) continue;
    throw new InvalidOptionError(`\`publishQueue.${name}\` is a number from 0 up, not ${String(value)}.`);
  }
  return limits;
}

/** The connection that a queue publishes over. */
export interface PublishCommands {
  readonly isUp: boolean;
  /** Rejects when the connection breaks before the answer, or the server refuses. */
  publish(topic: string, payload: Uint8Array): Promise<unknown>;
  /** Why a message could not be sent. */
  unavailable(what: string): Error;
}

/** A message that waits for the connection. */
interface Waiting {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly timer: unknown;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Publishes in the order of the calls, over a connection that comes and goes.
 *
 * In an outage messages wait, up to a number, a size and a time. Those that can be sent in time are; others reject, at
 * once where there is no room, and are never sent: nothing stale is replayed. What had been sent and not answered when
 * the connection broke rejects, too, and may have arrived.
 */
export class PublishQueue {
  readonly #commands: PublishCommands;
  readonly #limits: PublishLimits;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  readonly #unanswered = new UnansweredBytes();
  #waitingBytes = 0;

  constructor(commands: PublishCommands, limits: PublishLimits, clock: Clock) {
    this.#commands = commands;
    this.#limits = limits;
    this.#clock = clock;
  }

  publish(topic: string, payload: Uint8Array): Promise<void> {
    if (this.#waiting.size === 0 && this.#isClear) return this.#send(topic, payload);
    const { capacity, maxBytes, deadlineMs } = this.#limits;
    if (this.#waiting.size >= capacity || this.#waitingBytes + payload.byteLength > maxBytes) {
      return Promise.reject(this.#commands.unavailable(this.#trouble));
    }
    return new Promise((resolve, reject) => {
      const late = () => {
        this.#remove(waiting);
        reject(this.#commands.unavailable(`${this.#trouble}, for ${deadlineMs} ms now`));
      };
      const timer = this.#clock.setTimeout(late, deadlineMs);
      const waiting = { topic, payload, timer, resolve, reject };
      this.#waiting.add(waiting);
      this.#waitingBytes += payload.byteLength;
    });
  }

  /** Sends what waits, as far as it may go out now. */
  flush(): void {
    for (const waiting of this.#waiting) {
      if (!this.#isClear) return;
      this.#remove(waiting);
      this.#send(waiting.topic, waiting.payload).then(waiting.resolve, waiting.reject);
    }
  }

  /** Rejects what waits with `error`. No timer is left. */
  close(error: Error): void {
    for (const waiting of this.#waiting) {
      this.#remove(waiting);
      waiting.reject(error);
    }
  }

  get #isClear(): boolean {
    return this.#commands.isUp && !this.#unanswered.isFull;
  }

  get #trouble(): string {
    return this.#commands.isUp ? "does not keep up with what is sent" : "is not connected";
  }

  async #send(topic: string, payload: Uint8Array): Promise<void> {
    try {
      await this.#unanswered.during(payload.byteLength, () => this.#commands.publish(topic, payload));
    } finally {
      if (this.#waiting.size > 0) this.flush();
    }
  }

  #remove(waiting: Waiting): void {
    this.#clock.clearTimeout(waiting.timer);
    this.#waiting.delete(waiting);
    this.#waitingBytes -= waiting.payload.byteLength;
  }
}
