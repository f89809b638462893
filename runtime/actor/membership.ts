import type { Groups } from "../../actors/consumer-context.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { LayerClosedError } from "../../layers/errors.ts";
import type { Inbox, Message } from "../../layers/message.ts";
import type { GroupSendOptions } from "../../layers/options.ts";
import { checkActorGroup } from "../cluster/argument-checks.ts";
import { UnknownLayerError } from "../errors.ts";
import type { GroupOperation, Observed } from "../inspection-hooks.ts";
import { limitReached } from "../limits/limit-reached.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { inSlices, stepsPerTurn } from "../scheduler/slices.ts";
import type { Recovery } from "../session/recovery.ts";

type MembershipContext = Pick<
  RuntimeContext,
  "cluster" | "counters" | "inspection" | "layers" | "limits" | "scheduler" | "settings"
>;

/**
 * The channel and the groups of one actor, on the consumer's layer. If the consumer has no layer, the methods
 * for groups throw, and the channel is on the control layer.
 */
export class Membership implements Groups {
  readonly #layer: ChannelLayer | undefined;
  readonly #context: MembershipContext;
  readonly #actor: Observed;
  #channel: string | undefined;
  #inbox: Inbox | undefined;
  #left = false;
  /** Undefined if the client does not recover messages of groups. */
  recovery: Pick<Recovery, "join" | "leave"> | undefined;

  constructor(context: MembershipContext, actor: Observed) {
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

  /**
   * Leaves all groups, and deletes the channel if it exists. Leaves many groups in slices of many turns. The closed
   * mailbox drops the messages of the groups that the actor has not left yet.
   */
  leave(): Promise<void> | undefined {
    this.#left = true;
    if (this.#channel === undefined) return undefined;
    const { local } = this.#layer ?? this.#context.cluster.controlLayer;
    const member = local.member(this.#channel);
    if (member === undefined || member.joins.size <= stepsPerTurn) return this.#deleteChannel();
    return inSlices(this.#context.scheduler.losses, member.joins, ({ name }) =>
      local.leave(name, member),
    )?.then(() => this.#deleteChannel());
  }

  async groupAdd(group: string): Promise<void> {
    const layer = this.#layerFor(group);
    if (this.#left) return;
    this.#refuseTooMany(layer, group);
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
    this.#context.settings.of(this.#actor.Consumer).counts.messagesOut += 1;
    await layer.groupSend(group, message, options);
  }

  /** A join that is pending counts, too. @throws {LimitError} */
  #refuseTooMany({ local }: ChannelLayer, group: string): void {
    const { counters, layers, limits, settings } = this.#context;
    const joins = local.member(this.channel)?.joins;
    if (joins === undefined || local.isMember(this.channel, group)) return;
    const { groups } = settings.of(this.#actor.Consumer).limits;
    if (joins.size >= groups) throw limitReached(counters, "maxGroupsPerConnection", "groups", groups);
    if (local.hasGroup(group)) return;
    let count = 0;
    for (const layer of Object.values(layers)) count += layer.local.groupCount;
    if (count >= limits.maxGroups)
      throw limitReached(counters, "maxGroups", "groups on this node", limits.maxGroups);
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
