import type { AskGroupOptions, AskOptions, GroupAnswers, Tally } from "../../actors/index.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Clock } from "../../layers/clock.ts";
import type { ErrorListener } from "../../layers/error-reporter.ts";
import { InvalidNameError } from "../../layers/errors.ts";
import type { Inbox, Message } from "../../layers/message.ts";
import { checkGroup } from "../../layers/names.ts";
import { throughCodec } from "../../layers/through-codec.ts";
import type { TraceContext } from "../../layers/tracing.ts";
import type { Counters } from "../counters.ts";
import { RuntimeClosedError } from "../errors.ts";
import type { EventPublisher } from "../events/event-publisher.ts";
import type { Instruments } from "../instruments.ts";
import { limitReached } from "../limits/limit-reached.ts";
import type { OccasionalReports } from "../occasional-reports.ts";
import { Presence, type PresenceTransport } from "../presence/presence.ts";
import { checkCloseFrame } from "../socket/close-frame.ts";
import { checkActorChannel, checkTimeout, findLayer, requireLayer } from "./argument-checks.ts";
import { type ControlLayer, requireControl } from "./control-layer.ts";
import { controlHandlers } from "./control-messages.ts";
import { joinGrace } from "./join-grace.ts";
import { LocalAsks } from "./local-asks.ts";
import { MailboxDelivery } from "./mailbox-delivery.ts";
import { NodeChannel } from "./node-channel.ts";
import { NodeRegistry } from "./node-registry.ts";
import { PendingAsks } from "./pending-asks.ts";
import {
  type GatherResult,
  groupAnswersOf,
  requestHandlers,
  ScatterGather,
  tallyOf,
} from "./scatter-gather.ts";
import { Tags } from "./tags.ts";
import type { Fields } from "./untrusted.ts";

export interface ClusterOptions {
  readonly layers: Readonly<Record<string, ChannelLayer>>;
  readonly control: ControlLayer;
  readonly nodeHeartbeatMs: number;
  readonly connectTimeoutMs: number;
  readonly maxPresenceBytes: number;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly events: NodeEvents;
  readonly occasionalReports: Pick<OccasionalReports, "report">;
  readonly report: ErrorListener;
  readonly instruments: Instruments;
}

type NodeEvents = Pick<EventPublisher, "nodeJoined" | "nodeLeft">;

/** Sends each message or ask to its actor on any node, and handles the messages of other nodes. */
export class Cluster {
  readonly tags: Tags;
  readonly presence: Presence;
  readonly delivery: MailboxDelivery;
  readonly #options: ClusterOptions;
  readonly #channel: NodeChannel;
  readonly #registry: NodeRegistry;
  readonly #localAsks: LocalAsks;
  readonly #pendingAsks: PendingAsks;
  readonly #scatterGather: ScatterGather;
  readonly #closing = new AbortController();
  #joinGrace: Promise<void> | undefined;
  #isStarted = false;

  constructor(options: ClusterOptions) {
    const {
      layers,
      control,
      nodeHeartbeatMs,
      connectTimeoutMs,
      maxPresenceBytes,
      clock,
      counters,
      events,
      report,
      instruments,
    } = options;
    this.#options = options;
    this.tags = new Tags(clock, counters, connectTimeoutMs);
    const transport: PresenceTransport = {
      broadcast: (diff) => this.#channel.post(undefined, "presence", diff),
      request: (node) => this.#registry.post(node, "resync", {}),
      reply: (node, part) => this.#registry.post(node, "state", part),
    };
    this.presence = new Presence(transport, clock, {
      maxBytes: maxPresenceBytes,
      reached: () => limitReached(counters, "maxPresenceBytes", "bytes of presence", maxPresenceBytes),
    });
    this.#channel = new NodeChannel(
      control.layer,
      {
        opened: () => {
          this.#registry.announce();
          this.#joinGrace ??= joinGrace(control.layer, nodeHeartbeatMs, clock, this.#closing.signal);
        },
        gap: () => this.#registry.announce(),
        echoed: (fields) => {
          if (!this.#isClosed) this.#registry.onEcho(fields);
        },
        received: (type, fields, from) => {
          if (this.#isClosed) return;
          const handle = handlers.get(type);
          const dropped = from === undefined || handle === undefined ? "garbage" : handle(fields, from);
          if (dropped !== undefined) counters.drop(dropped);
          if (dropped === "excess") this.#reportExcess(from);
        },
      },
      report,
    );
    const nodeIds = Object.fromEntries(Object.entries(layers).map(([alias, layer]) => [alias, layer.node]));
    const heartbeat = { clock, nodeHeartbeatMs, layers: nodeIds };
    this.#registry = new NodeRegistry(this.#channel, heartbeat, this.presence, report);
    this.#registry.listeners.push(events);
    this.delivery = new MailboxDelivery(counters, report, instruments);
    const allLayers = new Set([control.layer, ...Object.values(layers)]);
    this.#localAsks = new LocalAsks([...allLayers], this.delivery, clock);
    this.#pendingAsks = new PendingAsks(this.#channel, this.#registry, clock, counters);
    const requests = requestHandlers(layers, this.#localAsks, this.tags);
    this.#scatterGather = new ScatterGather(this.#channel, this.#registry, clock, requests);
    const handlers = controlHandlers({
      channel: this.#channel,
      registry: this.#registry,
      localAsks: this.#localAsks,
      pendingAsks: this.#pendingAsks,
      scatterGather: this.#scatterGather,
      presence: this.presence,
    });
  }

  get id(): string {
    return this.#channel.node;
  }

  /** The ids of all known nodes. The id of this node is the first. */
  get ids(): readonly string[] {
    return [this.id, ...this.#registry.ids];
  }

  /** The layer that carries the messages between nodes. Actors without a layer have their channels on it. */
  get controlLayer(): ChannelLayer {
    return this.#options.control.layer;
  }

  /** @throws {NoControlLayerError} that names `call` if the nodes cannot be known: see {@link requireControl}. */
  requireControl(call: string): void {
    requireControl(this.#options.control, call);
  }

  /** Returns a layer, by default the control layer. @throws {UnknownLayerError} that names `subject`. */
  layer(alias: string | undefined, subject: string): ChannelLayer {
    return requireLayer(this.#options.layers, alias ?? this.#options.control.alias, subject);
  }

  /** Joins the other nodes in the background. A failure is reported, and joining is retried. */
  start(): void {
    if (this.#isStarted || this.#isClosed) return;
    this.#isStarted = true;
    if (!this.#isAlone) this.#registry.start();
  }

  /** Resolves when this node has joined the other nodes. @throws {LayerUnavailableError} */
  async ready(): Promise<void> {
    this.start();
    if (!this.#isAlone) await this.#channel.open();
  }

  /** @throws {InvalidNameError} unless `channel` can be an actor's channel. */
  checkActor(channel: string): void {
    checkActorChannel(channel);
    const isNode = channel === this.#channel.name || this.#registry.byChannel(channel) !== undefined;
    if (!isNode) return;
    throw new InvalidNameError(`"${channel}" is not an actor's channel: it is a node's own channel.`);
  }

  async send(channel: string, message: Message): Promise<void> {
    this.#refuseIfClosed();
    this.checkActor(channel);
    const copy = throughCodec(message);
    const { tracer } = this.#options.instruments;
    if (this.#localAsks.owns(channel)) {
      this.#sendLocally(channel, copy, (trace) => this.#localAsks.send(channel, copy, trace));
      return;
    }
    this.requireControl("send");
    await this.#joined();
    const location = this.#registry.locate(channel);
    const { layers, counters } = this.#options;
    if (location === undefined) {
      // If there is only one layer, the channel can only be on that layer.
      if (Object.keys(layers).length === 1) await this.controlLayer.send(channel, copy);
      else counters.drop("dead-letter");
      return;
    }
    const layer = findLayer(layers, location.alias);
    if (layer !== undefined) {
      await layer.send(channel, copy);
      return;
    }
    const send = (trace?: TraceContext) =>
      this.#channel.send(location.node.channel, "send", { channel, message: copy, trace });
    await (tracer === undefined ? send() : tracer.send("send", channel, copy.type, send));
  }

  /** Delivers a message to an actor of this node. @param name the name of the actor in traces. */
  sendInbox(inbox: Inbox, name: string, message: Message): void {
    const copy = throughCodec(message);
    this.#sendLocally(name, copy, (trace) => this.delivery.enqueue(inbox, copy, { trace }));
  }

  async ask(channel: string, message: Message, options: AskOptions): Promise<unknown> {
    const timeoutMs = checkTimeout(options);
    this.checkActor(channel);
    const copy = throughCodec(message);
    this.start();
    const isLocal = this.#localAsks.owns(channel);
    if (!isLocal) this.requireControl("ask");
    return this.#traceAsk("ask", channel, copy, (trace) =>
      isLocal
        ? this.#pendingAsks.askLocally(channel, timeoutMs, (reply) =>
            this.#localAsks.ask(channel, copy, reply, trace),
          )
        : this.#pendingAsks.ask(channel, copy, timeoutMs, trace),
    );
  }

  /** Asks an actor of this node. @param name the name of the actor in error texts. */
  async askInbox(inbox: Inbox, name: string, message: Message, options: AskOptions): Promise<unknown> {
    const timeoutMs = checkTimeout(options);
    const copy = throughCodec(message);
    return this.#traceAsk("ask", name, copy, (trace) =>
      this.#pendingAsks.askLocally(name, timeoutMs, (reply) =>
        this.#localAsks.askInbox(inbox, copy, reply, trace),
      ),
    );
  }

  async askGroup(
    group: string,
    message: Message,
    { layer = this.#options.control.alias, ...options }: AskGroupOptions,
    except?: string,
  ): Promise<GroupAnswers> {
    const timeoutMs = checkTimeout(options);
    checkGroup(group);
    this.requireControl("askGroup");
    this.layer(layer, `The group "${group}"`);
    const copy = throughCodec(message);
    return this.#traceAsk("askGroup", group, copy, async (trace) => {
      const fields = { group, layer, message: copy, except, trace };
      return groupAnswersOf(await this.#gather("ask", fields, timeoutMs), this.#options.counters);
    });
  }

  async disconnect(tag: string, code: number, reason: string, options: AskOptions): Promise<Tally> {
    checkGroup(tag);
    checkCloseFrame(code, reason);
    this.requireControl("disconnect");
    const timeoutMs = checkTimeout(options);
    // This node's actors are disconnected now, even if the other nodes are out of reach.
    const count = this.tags.disconnect(tag, code, reason);
    return tallyOf(await this.#gather("disconnect", { tag, code, reason }, timeoutMs, [count]));
  }

  async count(tag: string, options: AskOptions): Promise<Tally> {
    checkGroup(tag);
    this.requireControl("count");
    return tallyOf(await this.#gather("count", { tag }, checkTimeout(options)));
  }

  /** Rejects pending and later calls that await replies of actors or nodes. Messages can still be sent. */
  stopAsking(): void {
    this.#pendingAsks.close();
    this.#scatterGather.close();
  }

  /** Tells other nodes that this node leaves, then releases its timers and channels. May be called twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#closing.abort();
    this.stopAsking();
    this.presence.close();
    if (this.#isAlone) await this.controlLayer.close();
    else await this.#registry.leave();
  }

  get #isAlone(): boolean {
    return this.#options.control.alias === undefined;
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  #sendLocally(destination: string, { type }: Message, send: (trace?: TraceContext) => void): void {
    const { tracer } = this.#options.instruments;
    if (tracer === undefined) send();
    else void tracer.send("send", destination, type, async (trace) => send(trace));
  }

  #traceAsk<R>(
    operation: "ask" | "askGroup",
    destination: string,
    { type }: Message,
    work: (trace: TraceContext | undefined) => Promise<R>,
  ): Promise<R> {
    const { tracer } = this.#options.instruments;
    return tracer === undefined ? work(undefined) : tracer.ask(operation, destination, type, work);
  }

  /** @param own this node's values, if they are known already. */
  async #gather(
    request: string,
    fields: Fields,
    timeoutMs: number,
    own?: readonly unknown[],
  ): Promise<GatherResult> {
    this.#refuseIfClosed();
    if (!this.#isAlone) await this.#joined();
    return this.#scatterGather.request(request, fields, timeoutMs, own);
  }

  async #joined(): Promise<void> {
    await this.ready();
    await this.#joinGrace;
  }

  #reportExcess(from: string | undefined): void {
    const { occasionalReports, report } = this.#options;
    const error = () => new Error(`A message of another node exceeded a limit for other nodes: "${from}".`);
    occasionalReports.report(Cluster, "excess", error, (made) => report(made, { stage: "control" }));
  }

  #refuseIfClosed(): void {
    if (this.#isClosed) throw new RuntimeClosedError();
  }
}
