import type { Groups } from "../../actors/consumer-context.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { LayerClosedError } from "../../layers/errors.ts";
import type { Inbox, Message } from "../../layers/message.ts";
import type { GroupSendOptions } from "../../layers/options.ts";
import { checkActorGroup } from "../cluster/argument-checks.ts";
import { UnknownLayerError } from "../errors.ts";
import type { GroupOperation, Observed } from "../inspection-hooks.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import type { Recovery } from "../session/recovery.ts";

/**
 * The channel and the groups of one actor, on the consumer's layer. If the consumer has no layer, the methods
 * for groups throw, and the channel is on the control layer.
 */
export class Membership implements Groups {
  readonly #layer: ChannelLayer | undefined;
  readonly #context: Pick<RuntimeContext, "cluster" | "inspection">;
  readonly #actor: Observed;
  #channel: string | undefined;
  #inbox: Inbox | undefined;
  #left = false;
  /** Undefined if the client does not recover messages of groups. */
  recovery: Pick<Recovery, "join" | "leave"> | undefined;

  constructor(context: Pick<RuntimeContext, "cluster" | "inspection" | "layers">, actor: Observed) {
    const { layer } = actor.Consumer;
    this.#layer = layer === undefined ? undefined : context.layers[layer];
    this.#context = context;
    this.#actor = actor;
  }

  get channel(): string {
    // Most actors without a layer are never addressed, so their channels are created on demand.
    const { local } = this.#context.cluster.controlLayer;
    this.#channel ??= local.add(this.#inbox ?? noInbox).channel;
    if (this.#left && this.#layer === undefined) void local.remove(this.#channel);
    return this.#channel;
  }

  get address(): string | undefined {
    return this.#channel;
  }

  get joined(): readonly string[] {
    return this.#channel === undefined ? [] : (this.#layer?.local.groupsOf(this.#channel) ?? []);
  }

  /** Creates the channel. If the actor starts to leave in the meantime, the new channel is deleted. */
  open(inbox: Inbox): Promise<void> | undefined {
    this.#inbox = inbox;
    return this.#layer?.newChannel(inbox).then((channel) => {
      this.#channel = channel;
      return this.#left ? this.#deleteChannel() : undefined;
    });
  }

  stopJoining(): void {
    this.#left = true;
  }

  /** Leaves all groups, and deletes the channel if it exists. Deliveries end immediately. */
  leave(): Promise<void> | undefined {
    this.#left = true;
    return this.#channel === undefined ? undefined : this.#deleteChannel();
  }

  async groupAdd(group: string): Promise<void> {
    const layer = this.#layerFor(group);
    if (this.#left) return;
    this.#notify("groupAdd", group);
    await (this.recovery?.join(group) ?? layer.groupAdd(group, this.channel));
  }

  async groupDiscard(group: string): Promise<void> {
    const layer = this.#layerFor(group);
    if (this.#left) return;
    this.#notify("groupDiscard", group);
    this.recovery?.leave(group);
    await layer.groupDiscard(group, this.channel);
  }

  async groupSend(group: string, message: Message, options: GroupSendOptions): Promise<void> {
    const layer = this.#layerFor(group);
    this.#notify("groupSend", group, message);
    await layer.groupSend(group, message, options);
  }

  async #deleteChannel(): Promise<void> {
    if (this.#channel === undefined) return;
    if (this.#layer === undefined) return this.#context.cluster.controlLayer.local.remove(this.#channel);
    try {
      await this.#layer.deleteChannel(this.#channel);
    } catch (error) {
      // A closed layer has already deleted the channel.
      if (!(error instanceof LayerClosedError)) throw error;
    }
  }

  #notify(operation: GroupOperation, group: string, message?: Message): void {
    this.#context.inspection.observer?.onGroupOperation(this.#actor, operation, group, message);
  }

  #layerFor(group: string): ChannelLayer {
    if (this.#layer === undefined) {
      throw new UnknownLayerError(
        `${this.#actor.Consumer.name} has no layer, so it has no groups: ` +
          'declare `static override readonly layer = "…"`.',
      );
    }
    checkActorGroup(group);
    return this.#layer;
  }
}

const noInbox: Inbox = { deliver() {}, gap() {} };
