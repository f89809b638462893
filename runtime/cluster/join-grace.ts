import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Clock } from "../../layers/clock.ts";
import { Deadline } from "../deadline.ts";

/** How long the other nodes get to answer the first hello, in milliseconds. */
const helloMs = 250;
/** In how many turns of the event loop a message goes there and back within a process, and some. */
const turnsThereAndBack = 4;

/**
 * The time that the other nodes get to say that they are there, once this one has joined them: who asks all of them before
 * that would ask some.
 */
export class JoinGrace {
  readonly #layer: ChannelLayer;
  readonly #clock: Clock;
  readonly #ms: number;
  #done: Promise<void> | undefined;
  #deadline: Deadline | undefined;

  constructor(layer: ChannelLayer, clock: Clock, nodeHeartbeatMs: number) {
    this.#layer = layer;
    this.#clock = clock;
    this.#ms = Math.min(helloMs, nodeHeartbeatMs);
  }

  /** Resolves when the time is over; at once if it has not begun. */
  get done(): Promise<void> {
    return this.#done ?? Promise.resolve();
  }

  /** The first call counts. */
  begin(): void {
    this.#done ??= this.#layer.capabilities.crossProcess ? this.#pause() : this.#turns();
  }

  /** Nobody has to wait any longer. */
  end(): void {
    this.#deadline?.pass();
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#deadline = new Deadline(this.#clock, this.#ms);
      this.#deadline.onPassed = resolve;
    });
  }

  async #turns(): Promise<void> {
    for (let turn = 0; turn < turnsThereAndBack; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
