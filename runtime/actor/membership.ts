import type { Groups } from "../../actors/consumer-context.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { LayerClosedError } from "../../layers/errors.ts";
import type { Inbox, Message } from "../../layers/message.ts";
import type { GroupSendOptions } from "../../layers/options.ts";
import { checkActorGroup } from "../cluster/argument-checks.ts";
import { UnknownLayerError } from "../errors.ts";
import type { GroupOperation, Observed } from "../inspection-hooks.ts";
import type { RuntimeContext } from "../runtime-context.ts";

/**
 * One actor's place on its consumer's layer: its channel, and through it the groups it is in. Without a layer there are no
 * groups, their methods throw, and its channel is on the control layer.
 */
export class Membership implements Groups {
  readonly #layer: ChannelLayer | undefined;
  readonly #context: RuntimeContext;
  readonly #owner: Observed;
  #channel: string | undefined;
  #inbox: Inbox | undefined;
  #left = false;

  constructor(context: RuntimeContext, owner: Observed) {
    const { layer } = owner.Consumer;
    this.#layer = layer === undefined ? undefined : context.layers[layer];
    this.#context = context;
    this.#owner = owner;
  }

  get channel(): string {
    // Most actors without a layer are never addressed: their channel is made for who wants to know it.
    const { home } = this.#context.cluster;
    this.#channel ??= home.add(this.#inbox ?? nobody).channel;
    if (this.#left && this.#layer === undefined) void home.remove(this.#channel);
    return this.#channel;
  }

  get address(): string | undefined {
    return this.#channel;
  }

  get joined(): readonly string[] {
    return this.#channel === undefined ? [] : (this.#layer?.local.groupsOf(this.#channel) ?? []);
  }

  /** Makes the actor's channel. If the actor has left meanwhile, the channel is gone again when this resolves. */
  open(inbox: Inbox): Promise<void> | undefined {
    this.#inbox = inbox;
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
    if (!this.#layer) throw this.#noLayer();
    checkActorGroup(group);
    if (this.#left) return;
    this.#shows("groupAdd", group);
    await this.#layer.groupAdd(group, this.channel);
  }

  async groupDiscard(group: string): Promise<void> {
    if (!this.#layer) throw this.#noLayer();
    checkActorGroup(group);
    if (this.#left) return;
    this.#shows("groupDiscard", group);
    await this.#layer.groupDiscard(group, this.channel);
  }

  async groupSend(group: string, message: Message, options: GroupSendOptions): Promise<void> {
    if (!this.#layer) throw this.#noLayer();
    checkActorGroup(group);
    this.#shows("groupSend", group, message);
    await this.#layer.groupSend(group, message, options);
  }

  #open(layer: ChannelLayer, inbox: Inbox): Promise<void> {
    return layer.newChannel(inbox).then((channel) => {
      this.#channel = channel;
      return this.#left ? this.#deleteChannel() : undefined;
    });
  }

  async #deleteChannel(): Promise<void> {
    if (this.#channel === undefined) return;
    if (this.#layer === undefined) return this.#context.cluster.home.remove(this.#channel);
    try {
      await this.#layer.deleteChannel(this.#channel);
    } catch (error) {
      // A layer that is closed has no members any more.
      if (!(error instanceof LayerClosedError)) throw error;
    }
  }

  #shows(operation: GroupOperation, group: string, message?: Message): void {
    this.#context.inspection.observer?.onGroupOperation(this.#owner, operation, group, message);
  }

  #noLayer(): UnknownLayerError {
    return new UnknownLayerError(
      `${this.#owner.Consumer.name} has no layer, so it has no groups: ` +
        'give it `static override readonly layer = "…"`.',
    );
  }
}

/** Who is not there yet. */
const nobody: Inbox = { deliver() {}, gap() {} };
