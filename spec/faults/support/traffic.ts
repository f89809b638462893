import type { ChannelLayer } from "../../../layers/channel-layer.ts";
import { until } from "../../layers/support/until.ts";

/** Numbered messages to a group, about one a millisecond, whatever becomes of them. */
export class Traffic {
  /** What the layer took, in the order sent once it is at its end; the rest was refused, so that its sender knows. */
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

  /** One number more, now, with `padding` bytes beside it. */
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

  /** Resolves once `count` more numbers than by now were accepted. */
  async flows(count = 50): Promise<void> {
    const enough = this.accepted.length + count;
    await until(() => this.accepted.length >= enough);
  }

  /** Sends no more, and then the end marker. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    // Who sends while a layer opens may hear of it after who sends just then.
    this.accepted.sort((one, other) => one - other);
    await this.#layer.groupSend(this.#group, { type: "end" });
  }

  /** Stops in any case, also where a spec has failed. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
