import type { Groups } from "../actors/consumer-context.ts";
import type { ChannelLayer } from "../layers/channel-layer.ts";
import type { GroupSendOptions } from "../layers/channel-layer-options.ts";
import type { Inbox, Message } from "../layers/contract.ts";
import { LayerClosedError } from "../layers/errors.ts";
import { UnknownLayerError } from "./errors.ts";

/** One actor's place on its consumer's layer: its channel, and through it the groups it is in. */
export class Membership implements Groups {
  readonly #layer: ChannelLayer | undefined;
  readonly #consumer: string;
  #channel: string | undefined;
  #left = false;

  /** Without a layer there are no groups: every method but `open` and `leave` throws. */
  constructor(layer: ChannelLayer | undefined, consumer: string) {
    this.#layer = layer;
    this.#consumer = consumer;
  }

  get channel(): string {
    if (this.#channel === undefined) throw this.#noLayer();
    return this.#channel;
  }

  /** Makes the actor's channel. If the actor has left meanwhile, the channel is gone again when this resolves. */
  open(inbox: Inbox): Promise<void> | undefined {
    return this.#layer === undefined ? undefined : this.#open(this.#layer, inbox);
  }

  /** From now on joining does nothing. */
  stopJoining(): void {
    this.#left = true;
  }

  /**
   * Gives up the channel, and with it all groups. Nothing is delivered from the moment of the call. Undefined where there is
   * no channel to give up.
   */
  leave(): Promise<void> | undefined {
    this.#left = true;
    return this.#channel === undefined ? undefined : this.#deleteChannel();
  }

  async groupAdd(group: string): Promise<void> {
    const { channel } = this;
    if (!this.#left) await this.#layer?.groupAdd(group, channel);
  }

  async groupDiscard(group: string): Promise<void> {
    const { channel } = this;
    if (!this.#left) await this.#layer?.groupDiscard(group, channel);
  }

  async groupSend(group: string, message: Message, options: GroupSendOptions): Promise<void> {
    if (!this.#layer) throw this.#noLayer();
    await this.#layer.groupSend(group, message, options);
  }

  async #open(layer: ChannelLayer, inbox: Inbox): Promise<void> {
    this.#channel = await layer.newChannel(inbox);
    if (this.#left) await this.#deleteChannel();
  }

  async #deleteChannel(): Promise<void> {
    if (this.#channel === undefined) return;
    try {
      await this.#layer?.deleteChannel(this.#channel);
    } catch (error) {
      // A layer that is closed has no members any more.
      if (!(error instanceof LayerClosedError)) throw error;
    }
  }

  #noLayer(): UnknownLayerError {
    return new UnknownLayerError(
      `${this.#consumer} has no layer, so it has no channel and no groups: ` +
        'give it `static override readonly layer = "…"`.',
    );
  }
}
