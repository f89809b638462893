import type { ChannelLayer, GroupSendOptions } from "../layers/channel-layer.ts";
import type { Inbox, Message } from "../layers/contract.ts";
import { UnknownLayerError } from "./errors.ts";

/** One actor's place on its consumer's layer: its channel, and through it the groups it is in. */
export class Membership {
  readonly #layer: ChannelLayer;
  #channel: string | undefined;
  #left = false;

  constructor(layer: ChannelLayer) {
    this.#layer = layer;
  }

  /** Undefined until {@link open} has resolved. */
  get channel(): string | undefined {
    return this.#channel;
  }

  /** Makes the actor's channel. If the actor has left meanwhile, the channel is gone again when this resolves. */
  async open(inbox: Inbox): Promise<void> {
    this.#channel = await this.#layer.newChannel(inbox);
    if (this.#left) await this.leave();
  }

  /** Gives up the channel, and with it all groups. Nothing is delivered from the moment of the call. */
  async leave(): Promise<void> {
    this.#left = true;
    if (this.#channel !== undefined) await this.#layer.deleteChannel(this.#channel);
  }

  async groupAdd(group: string): Promise<void> {
    if (!this.#left) await this.#layer.groupAdd(group, this.#name);
  }

  async groupDiscard(group: string): Promise<void> {
    if (!this.#left) await this.#layer.groupDiscard(group, this.#name);
  }

  groupSend(group: string, message: Message, options: GroupSendOptions): Promise<void> {
    return this.#layer.groupSend(group, message, options);
  }

  get #name(): string {
    if (this.#channel === undefined) throw new Error("The channel is used before it is made");
    return this.#channel;
  }
}

/** What a consumer without a layer gets when it asks for what only a layer can do. */
export function noLayer(consumer: string): UnknownLayerError {
  return new UnknownLayerError(
    `${consumer} has no layer, so it has no channel and no groups: give it \`static override readonly layer = "…"\`.`,
  );
}
