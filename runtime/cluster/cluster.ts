import type { AskGroupOptions, AskOptions, GroupAnswers, Tally } from "../../actors/index.ts";
import type { ChannelLayer, LocalChannels } from "../../layers/channel-layer.ts";
import type { Clock } from "../../layers/clock.ts";
import type { ErrorListener } from "../../layers/error-reporter.ts";
import { InvalidNameError, LayerClosedError } from "../../layers/errors.ts";
import type { Inbox, Message } from "../../layers/message.ts";
import { checkGroup } from "../../layers/names.ts";
import type { Counters } from "../counters.ts";
import { RuntimeClosedError } from "../errors.ts";
import { Presence } from "../presence/presence.ts";
import { checkCloseFrame } from "../socket/close-frame.ts";
import { checkActorChannel, layerOf, timeoutOf } from "./argument-checks.ts";
import type { ControlLayer } from "./control-layer.ts";
import { Inbound } from "./control-messages.ts";
import { answersOf, tallyOf } from "./findings.ts";
import { JoinGrace } from "./join-grace.ts";
import { LocalAsks } from "./local-asks.ts";
import { direct, MailboxDelivery } from "./mailbox-delivery.ts";
import { type LinkListener, NodeChannel } from "./node-channel.ts";
import { Nodes, type NodesListener, type OtherNode } from "./node-registry.ts";
import { PendingAsks } from "./pending-asks.ts";
import { createRespondents } from "./respondents.ts";
import { type GatherResult, ScatterGather } from "./scatter-gather.ts";
import { Tags } from "./tags.ts";
import { carried } from "./through-codec.ts";
import { type Fields, nodeOf } from "./untrusted.ts";

export interface ControlSettings {
  readonly layers: Readonly<Record<string, ChannelLayer>>;
  readonly control: ControlLayer;
  readonly nodeHeartbeatMs: number;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly report: ErrorListener;
}

/** A node among others: what goes from it to actors anywhere, and what comes from other nodes for its own. */
export class Cluster implements LinkListener, NodesListener {
  readonly tags = new Tags();
  readonly presence = new Presence({
    broadcast: (diff) => this.#link.post(undefined, "presence", diff),
    request: (node) => this.#postTo(node, "resync", {}),
    reply: (node, state) => this.#postTo(node, "state", state),
  });
  readonly #settings: ControlSettings;
  readonly #link: NodeChannel;
  readonly #nodes: Nodes;
  readonly #asks: PendingAsks;
  readonly #surveys: ScatterGather;
  readonly #post: MailboxDelivery;
  readonly #questions: LocalAsks;
  readonly #inbound: Inbound;
  readonly #settling: JoinGrace;
  #isBegun = false;
  #isClosed = false;

  constructor(settings: ControlSettings) {
    const { layers, control, nodeHeartbeatMs, clock, counters, report } = settings;
    this.#settings = settings;
    this.#settling = new JoinGrace(control.layer, clock, nodeHeartbeatMs);
    const own = Object.fromEntries(Object.entries(layers).map(([alias, layer]) => [alias, layer.node]));
    this.#link = new NodeChannel(control.layer, this, report);
    this.#nodes = new Nodes(this.#link, clock, nodeHeartbeatMs, own, this);
    this.#asks = new PendingAsks(this.#link, this.#nodes, clock, () => counters.drop("late"));
    this.#post = new MailboxDelivery(counters, report);
    this.#questions = new LocalAsks(
      [...new Set([control.layer, ...Object.values(layers)])],
      this.#post,
      clock,
    );
    const respondents = createRespondents(layers, this.#questions, this.tags);
    this.#surveys = new ScatterGather(this.#link, this.#nodes, clock, this.id, respondents);
    this.#inbound = new Inbound({
      link: this.#link,
      nodes: this.#nodes,
      asks: this.#asks,
      surveys: this.#surveys,
      questions: this.#questions,
      presence: this.presence,
      post: this.#post,
      counters,
    });
  }

  /** This node's id. */
  get id(): string {
    return this.#settings.control.layer.node;
  }

  /** The alias of the control layer, unless the runtime has made it for itself. */
  get alias(): string | undefined {
    return this.#settings.control.alias;
  }

  get ids(): readonly string[] {
    return [this.id, ...this.#nodes.all.map((node) => node.id)];
  }

  /** Where actors get a channel whose consumer names no layer. */
  get home(): LocalChannels {
    return this.#settings.control.layer.local;
  }

  get version(): number {
    return this.presence.version;
  }

  /** Takes its place among the nodes, as soon as that is possible. What fails is reported, and tried again. */
  begin(): void {
    if (this.#isBegun || this.#isClosed) return;
    this.#isBegun = true;
    if (this.#settings.control.isAlone) return;
    this.#nodes.start();
    this.#link.open().catch((error: unknown) => this.failed(error));
  }

  /** Resolves once it has its place. @throws {LayerUnavailableError} */
  async ready(): Promise<void> {
    this.begin();
    if (!this.#settings.control.isAlone) await this.#link.open();
  }

  // ---- to actors

  /** @throws {InvalidNameError} for what is no name of an actor's channel, or the channel of a node itself. */
  checkActor(channel: string): void {
    checkActorChannel(channel);
    const isNode = channel === this.#link.channel || this.#nodes.get(nodeOf(channel))?.channel === channel;
    if (!isNode) return;
    throw new InvalidNameError(`"${channel}" is no actor's channel: there a node takes what is for itself.`);
  }

  async send(channel: string, message: Message): Promise<void> {
    this.#refuseIfClosed();
    this.checkActor(channel);
    const copy = carried(message);
    if (this.#questions.owns(channel)) {
      const inbox = this.#questions.inboxOf(channel);
      if (inbox === undefined) this.#settings.counters.drop("dead-letter");
      else this.post(inbox, copy);
      return;
    }
    await this.#settled();
    const place = this.#nodes.placeOf(channel);
    const { layers, control } = this.#settings;
    if (place === undefined && control.isOnly) return control.layer.send(channel, copy);
    if (place === undefined) {
      this.#settings.counters.drop("dead-letter");
      return;
    }
    const layer = Object.hasOwn(layers, place.alias) ? layers[place.alias] : undefined;
    if (layer !== undefined) await layer.send(channel, copy);
    else await this.#link.to(place.node.channel, "send", { channel, message: copy });
  }

  /** Puts a message into an inbox of this node, later in this turn of the event loop. @param message frozen, as it arrives */
  post(inbox: Inbox, message: Message): void {
    this.#post.put(inbox, Object.freeze({ message, delivery: direct }));
  }

  async ask(channel: string, message: Message, options: AskOptions): Promise<unknown> {
    const timeoutMs = timeoutOf(options);
    this.checkActor(channel);
    const copy = carried(message);
    this.begin();
    if (!this.#questions.owns(channel)) return this.#asks.ask(channel, copy, timeoutMs);
    return this.#asks.wait(channel, timeoutMs, (reply) => this.#questions.ask(channel, copy, reply));
  }

  /** Asks an actor of this node. @param name what errors call it. */
  async askInbox(inbox: Inbox, name: string, message: Message, options: AskOptions): Promise<unknown> {
    const timeoutMs = timeoutOf(options);
    const copy = carried(message);
    return this.#asks.wait(name, timeoutMs, (reply) => this.#questions.put(inbox, copy, reply));
  }

  /** @param except a channel that is not asked. */
  async askGroup(
    group: string,
    message: Message,
    { layer, ...options }: AskGroupOptions,
    except?: string,
  ): Promise<GroupAnswers> {
    const timeoutMs = timeoutOf(options);
    checkGroup(group);
    const alias = layer ?? this.alias;
    layerOf(this.#settings.layers, alias, `The group "${group}"`);
    const fields = {
      group,
      layer: alias,
      message: carried(message),
      ...(except !== undefined && { except }),
    };
    return answersOf(await this.#survey("ask", fields, timeoutMs), () =>
      this.#settings.counters.drop("garbage"),
    );
  }

  // ---- tags

  async disconnect(tag: string, code: number, reason: string, options: AskOptions): Promise<Tally> {
    checkGroup(tag);
    checkCloseFrame(code, reason);
    const timeoutMs = timeoutOf(options);
    try {
      return tallyOf(await this.#survey("disconnect", { tag, code, reason }, timeoutMs));
    } catch (error) {
      // Who is to go here goes, whether or not the others can be told.
      this.tags.disconnect(tag, code, reason);
      throw error;
    }
  }

  async count(tag: string, options: AskOptions): Promise<Tally> {
    checkGroup(tag);
    return tallyOf(await this.#survey("count", { tag }, timeoutOf(options)));
  }

  // ---- the end

  /** Whoever waits for answers is told that none will come. What is sent still goes out. */
  stopAsking(): void {
    this.#asks.close();
    this.#surveys.close();
  }

  /** Says goodbye, and holds nothing any more. May be called twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.stopAsking();
    this.#nodes.stop();
    this.#settling.end();
    if (this.#settings.control.isAlone) {
      await this.#settings.control.layer.close();
      return;
    }
    await this.#nodes.goodbye().catch((error: unknown) => this.failed(error));
    await this.#link.close();
  }

  // ---- from other nodes

  opened(): void {
    this.#nodes.hello();
    this.#settling.begin();
  }

  message(type: string, fields: Fields, from: string): boolean {
    // Who has said goodbye says no more.
    return this.#isClosed || this.#inbound.take(type, fields, from);
  }

  gap(): void {
    this.#nodes.hello();
  }

  garbage(): void {
    this.#settings.counters.drop("garbage");
  }

  joined(): void {
    this.#asks.nodeJoined();
  }

  beat({ id }: OtherNode, version: number): void {
    this.presence.heard(id, version);
  }

  left(node: OtherNode): void {
    this.#asks.nodeLeft(node);
    this.#surveys.nodeLeft(node);
    this.presence.left(node.id);
  }

  failed(error: unknown): void {
    // A layer that somebody else has closed stays closed.
    if (error instanceof LayerClosedError) this.#nodes.stop();
    else this.#settings.report(error, { stage: "control" });
  }

  #postTo(node: string, type: string, fields: object): void {
    const channel = this.#nodes.get(node)?.channel;
    if (channel !== undefined) this.#link.post(channel, type, fields);
  }

  // ---- among them

  async #survey(about: string, fields: Fields, timeoutMs: number): Promise<GatherResult> {
    this.#refuseIfClosed();
    const { isAlone } = this.#settings.control;
    if (!isAlone) await this.#settled();
    return this.#surveys.run(about, fields, timeoutMs);
  }

  /** Resolves once the nodes that are there have had the time to say so. @throws {LayerUnavailableError} */
  async #settled(): Promise<void> {
    await this.ready();
    await this.#settling.done;
  }

  #refuseIfClosed(): void {
    if (this.#isClosed) throw new RuntimeClosedError();
  }
}
