import type { ChannelLayer } from "../../../layers/channel-layer.ts";
import { until } from "../../layers/support/until.ts";

/** Sends numbered messages to a group, about one per millisecond, even if sends reject. */
export class Traffic {
  /** The numbers of the sends that resolved. Sorted in the order of sending by {@link end}. */
  readonly accepted: number[] = [];
  readonly refused: number[] = [];
  readonly #layer: ChannelLayer;
  readonly #group: string;
  readonly #timer: NodeJS.Timeout;
  readonly #pending = new Set<Promise<void>>();
  #next = 0;

  constructor(layer: ChannelLayer, group: string) {
    this.#layer = layer;
    this.#group = group;
    this.#timer = setInterval(() => this.send(), 1);
  }

  /** Sends the next number at once, with `padding` extra bytes. */
  send(padding = 0): void {
    const number = this.#next;
    this.#next += 1;
    const message = { type: "number", number, padding: new Uint8Array(padding) };
    const sending = this.#layer
      .groupSend(this.#group, message)
      .then(
        () => void this.accepted.push(number),
        () => void this.refused.push(number),
      )
      .finally(() => this.#pending.delete(sending));
    this.#pending.add(sending);
  }

  /** Resolves once `count` more numbers are accepted. */
  async flows(count = 50): Promise<void> {
    const enough = this.accepted.length + count;
    await until(() => this.accepted.length >= enough);
  }

  /** Stops, and sends the end marker last. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    // A send that was called before the layer was open may resolve after a later send.
    this.accepted.sort((one, other) => one - other);
    await this.#layer.groupSend(this.#group, { type: "end" });
  }

  /** Stops even if a spec has failed. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
