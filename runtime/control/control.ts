import type { AskGroupOptions, AskOptions, GroupAnswers, Tally } from "../../actors/index.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Clock, ErrorListener, Inbox, Message } from "../../layers/contract.ts";
import { InvalidNameError, LayerClosedError } from "../../layers/errors.ts";
import type { LocalChannels } from "../../layers/local-channels.ts";
import { checkChannel, checkGroup } from "../../layers/names.ts";
import { checkCloseFrame } from "../close-frame.ts";
import type { Counters } from "../counters.ts";
import { Deadline } from "../deadline.ts";
import { RuntimeClosedError, UnknownLayerError } from "../errors.ts";
import { longestMs } from "../limits.ts";
import type { Outcome } from "../question.ts";
import { Asks } from "./asks.ts";
import { carried } from "./carried.ts";
import type { ControlLayer } from "./control-layer.ts";
import { Link, type LinkListener } from "./link.ts";
import { Nodes, type NodesListener, type OtherNode } from "./nodes.ts";
import { Post } from "./post.ts";
import { Presence } from "./presence.ts";
import { Questions } from "./questions.ts";
import {
  type Fields,
  nodeOf,
  readChannel,
  readCount,
  readFields,
  readMessage,
  readName,
  readText,
} from "./read.ts";
import { type Findings, type Respondent, Surveys } from "./surveys.ts";
import { Tags } from "./tags.ts";

export interface ControlSettings {
  readonly layers: Readonly<Record<string, ChannelLayer>>;
  readonly control: ControlLayer;
  readonly beatMs: number;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly report: ErrorListener;
}

const direct = Object.freeze({});
const defaultTimeoutMs = 5_000;
/** How long the other nodes get to answer the first hello, in milliseconds. */
const helloMs = 250;

/** A node among others: what goes from it to actors anywhere, and what comes from other nodes for its own. */
export class Control implements LinkListener, NodesListener {
  readonly tags = new Tags();
  readonly presence = new Presence({
    broadcast: (diff) => this.#link.post(undefined, "presence", diff),
    request: (node) => this.#postTo(node, "resync", {}),
    reply: (node, state) => this.#postTo(node, "state", state),
  });
  readonly #settings: ControlSettings;
  readonly #link: Link;
  readonly #nodes: Nodes;
  readonly #asks: Asks;
  readonly #surveys: Surveys;
  readonly #post: Post;
  readonly #questions: Questions;
  #isBegun = false;
  #isClosed = false;
  #settling: Promise<void> | undefined;
  #hello: Deadline | undefined;

  constructor(settings: ControlSettings) {
    const { layers, control, beatMs, clock, counters, report } = settings;
    this.#settings = settings;
    const own = Object.fromEntries(Object.entries(layers).map(([alias, layer]) => [alias, layer.node]));
    this.#link = new Link(control.layer, this, report);
    this.#nodes = new Nodes(this.#link, clock, beatMs, own, this);
    this.#asks = new Asks(this.#link, this.#nodes, clock);
    this.#post = new Post(counters);
    this.#questions = new Questions(
      [...new Set([control.layer, ...Object.values(layers)])],
      this.#post,
      clock,
    );
    const respondents: Readonly<Record<string, Respondent>> = {
      ask: (fields, ms) => this.#answerGroup(fields, ms),
      count: (fields) => this.#answerCount(fields),
      disconnect: (fields) => this.#answerDisconnect(fields),
    };
    this.#surveys = new Surveys(this.#link, this.#nodes, clock, this.id, respondents);
  }

  /** This node's id. */
  get id(): string {
    return this.#settings.control.layer.node;
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

  async send(channel: string, message: Message): Promise<void> {
    this.#refuseIfClosed();
    checkActorChannel(channel);
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

  /** Puts a message that {@link carried} gave into an inbox of this node, later in this turn of the event loop. */
  post(inbox: Inbox, message: Message): void {
    this.#post.put(inbox, Object.freeze({ message, delivery: direct }));
  }

  async ask(channel: string, message: Message, options: AskOptions): Promise<unknown> {
    const timeoutMs = timeoutOf(options);
    checkActorChannel(channel);
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
    const alias = layer ?? this.#settings.control.alias;
    if (alias === undefined || !Object.hasOwn(this.#settings.layers, alias)) {
      throw new UnknownLayerError(
        `The group "${group}" is on no layer of this runtime: say which with the option \`layer\`. ` +
          `It has: ${Object.keys(this.#settings.layers).join(", ") || "none"}.`,
      );
    }
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
    return tallyOf(await this.#survey("disconnect", { tag, code, reason }, timeoutOf(options)));
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
    this.#hello?.pass();
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
    this.#settling ??= this.#waitForOthers();
  }

  message(type: string, fields: Fields, from: string): boolean {
    switch (type) {
      case "node":
        return this.#nodes.heard(fields, from);
      case "bye":
        return this.#nodes.parted(from);
      case "send":
        return this.#relay(fields);
      case "ask":
        return this.#answer(fields, from);
      case "answer":
        return this.#unlessLate(this.#asks.answered(fields, from));
      case "survey":
        return this.#surveys.asked(fields, from);
      case "said":
        return this.#unlessLate(this.#surveys.answered(fields, from));
      case "presence":
        return this.#ifKnown(from, (id) => this.presence.changed(id, fields));
      case "state":
        return this.#ifKnown(from, (id) => this.presence.restored(id, fields));
      case "resync":
        return this.#ifKnown(from, (id) => {
          this.presence.requested(id);
          return true;
        });
      default:
        return false;
    }
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

  #unlessLate(isTaken: boolean | undefined): boolean {
    if (isTaken === undefined) this.#settings.counters.drop("late");
    return isTaken !== false;
  }

  /** What an unknown node says of its presences it says again when it is known. */
  #ifKnown(from: string, take: (id: string) => boolean): boolean {
    const node = this.#nodes.get(nodeOf(from));
    return node?.channel === from ? take(node.id) : true;
  }

  #postTo(node: string, type: string, fields: object): void {
    const channel = this.#nodes.get(node)?.channel;
    if (channel !== undefined) this.#link.post(channel, type, fields);
  }

  #relay({ channel, message }: Fields): boolean {
    const to = readChannel(channel);
    const inner = readMessage(message);
    if (to === undefined || inner === undefined) return false;
    const inbox = this.#questions.inboxOf(to);
    if (inbox === undefined) this.#settings.counters.drop("dead-letter");
    else this.post(inbox, inner);
    return true;
  }

  #answer({ id, channel, message }: Fields, from: string): boolean {
    const number = readText(id, 20);
    const to = readChannel(channel);
    const inner = readMessage(message);
    if (number === undefined || to === undefined || inner === undefined) return false;
    this.#questions.ask(to, inner, (outcome: Outcome) => {
      this.#link.post(from, "answer", { id: number, ...outcome });
    });
    return true;
  }

  #answerGroup(
    { group, layer, message, except }: Fields,
    ms: number,
  ): Promise<readonly unknown[]> | undefined {
    const name = readName(group);
    const alias = readText(layer);
    const inner = readMessage(message);
    const asker = except === undefined ? undefined : readChannel(except);
    if (name === undefined || alias === undefined || inner === undefined) return undefined;
    const { layers } = this.#settings;
    const found = Object.hasOwn(layers, alias) ? layers[alias] : undefined;
    return this.#questions.askGroup(found, name, inner, Math.min(ms, longestMs), asker);
  }

  #answerCount({ tag }: Fields): Promise<readonly number[]> | undefined {
    const name = readName(tag);
    return name === undefined ? undefined : Promise.resolve([this.tags.count(name)]);
  }

  #answerDisconnect({ tag, code, reason }: Fields): Promise<readonly number[]> | undefined {
    const name = readName(tag);
    try {
      checkCloseFrame(code, reason);
    } catch {
      return undefined;
    }
    if (name === undefined) return undefined;
    return Promise.resolve([this.tags.disconnect(name, code as number, reason as string)]);
  }

  // ---- among them

  async #survey(about: string, fields: Fields, timeoutMs: number): Promise<Findings> {
    this.#refuseIfClosed();
    const { isAlone } = this.#settings.control;
    if (!isAlone) await this.#settled();
    return this.#surveys.run(about, fields, timeoutMs);
  }

  /** Resolves once the nodes that are there have had the time to say so. @throws {LayerUnavailableError} */
  async #settled(): Promise<void> {
    await this.ready();
    await this.#settling;
  }

  async #waitForOthers(): Promise<void> {
    const { control, clock, beatMs } = this.#settings;
    if (!control.layer.capabilities.crossProcess) {
      // Within one process nobody needs longer than it takes to go there and back.
      for (let turns = 0; turns < 4; turns += 1) await new Promise((resolve) => setImmediate(resolve));
      return;
    }
    await new Promise<void>((resolve) => {
      this.#hello = new Deadline(clock, Math.min(helloMs, beatMs));
      this.#hello.onPassed = resolve;
    });
  }

  #refuseIfClosed(): void {
    if (this.#isClosed) throw new RuntimeClosedError();
  }
}

/** @throws {InvalidNameError} for what is no name of an actor's channel. */
function checkActorChannel(channel: string): void {
  checkChannel(channel);
  if (channel.includes("!")) return;
  throw new InvalidNameError(
    `"${channel}" is no actor's channel, which has a '!' inside: send to a channel for workers over its layer.`,
  );
}

/** @throws {RangeError} */
function timeoutOf({ timeoutMs = defaultTimeoutMs }: AskOptions): number {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= longestMs) return timeoutMs;
  throw new RangeError(`timeoutMs is a whole number from 1 to ${longestMs}, not ${String(timeoutMs)}.`);
}

function tallyOf({ said, missing }: Findings): Tally {
  const counts = said.map(({ entry }) => readCount(entry) ?? 0);
  return { count: counts.reduce((sum, count) => sum + count, 0), missing };
}

function answersOf({ said, missing }: Findings, garbage: () => void): GroupAnswers {
  const replies: { channel: string; node: string; value: unknown }[] = [];
  const failures: { channel: string; node: string; reason: string }[] = [];
  for (const { node, entry } of said) {
    const fields = readFields(entry);
    const channel = readChannel(fields?.channel);
    const reason = readText(fields?.failed);
    if (fields === undefined || channel === undefined) garbage();
    else if (reason === undefined) replies.push({ channel, node, value: fields.value });
    else failures.push({ channel, node, reason });
  }
  return { replies, failures, missing };
}
