import type { Clock } from "../../clock.ts";
import { InFlightBytes } from "../connection/in-flight-bytes.ts";
import type { PublishLimits } from "../connection/pubsub-settings.ts";

export interface PublishCommands {
  readonly isUp: boolean;
  /** Rejects if the connection breaks before the reply, or if the server refuses the command. */
  publish(topic: string, payload: Uint8Array): Promise<unknown>;
  unavailable(what: string): Error;
}

interface Waiting {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly timer: unknown;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Publishes in the order of the calls, over a connection that may break and reconnect. In an outage, messages
 * wait, but their number, total size and time are limited. If a limit is exceeded, `publish` rejects, and the
 * message is never sent. If the reply is lost, `publish` rejects, but the message may have been published.
 */
export class PublishQueue {
  readonly #commands: PublishCommands;
  readonly #limits: PublishLimits;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  readonly #inFlight = new InFlightBytes();
  #waitingBytes = 0;

  constructor(commands: PublishCommands, limits: PublishLimits, clock: Clock) {
    this.#commands = commands;
    this.#limits = limits;
    this.#clock = clock;
  }

  publish(topic: string, payload: Uint8Array): Promise<void> {
    if (this.#waiting.size === 0 && this.#canSend) return this.#send(topic, payload);
    const { capacity, maxBytes, deadlineMs } = this.#limits;
    if (this.#waiting.size >= capacity || this.#waitingBytes + payload.byteLength > maxBytes) {
      return Promise.reject(this.#commands.unavailable(this.#failure));
    }
    return new Promise((resolve, reject) => {
      const late = () => {
        this.#remove(waiting);
        reject(this.#commands.unavailable(`${this.#failure} after ${deadlineMs} ms`));
      };
      const timer = this.#clock.setTimeout(late, deadlineMs);
      const waiting = { topic, payload, timer, resolve, reject };
      this.#waiting.add(waiting);
      this.#waitingBytes += payload.byteLength;
    });
  }

  flush(): void {
    for (const waiting of this.#waiting) {
      if (!this.#canSend) return;
      this.#remove(waiting);
      this.#send(waiting.topic, waiting.payload).then(waiting.resolve, waiting.reject);
    }
  }

  close(error: Error): void {
    for (const waiting of this.#waiting) {
      this.#remove(waiting);
      waiting.reject(error);
    }
  }

  get #canSend(): boolean {
    return this.#commands.isUp && !this.#inFlight.isFull;
  }

  get #failure(): string {
    return this.#commands.isUp ? "replies too slowly" : "is not connected";
  }

  async #send(topic: string, payload: Uint8Array): Promise<void> {
    try {
      await this.#inFlight.during(payload.byteLength, () => this.#commands.publish(topic, payload));
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
