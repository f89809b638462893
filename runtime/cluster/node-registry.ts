import type { Clock } from "../../layers/clock.ts";
import { timeOf } from "../deadline.ts";
import type { NodeChannel } from "./node-channel.ts";
import { type Fields, nodeOf, readCount, readFields, readName } from "./untrusted.ts";

/** Another node, as far as it is known here. */
export interface OtherNode {
  readonly id: string;
  /** Where it takes what is for the node itself. Another one after its layer was flushed. */
  channel: string;
  /** Its ids on its layers, by alias: what the names of its channels begin with. */
  readonly layers: ReadonlyMap<string, string>;
  /** How long it is believed to live after it was heard, in milliseconds. */
  readonly leaseMs: number;
  heardAt: number;
}

export interface NodesListener {
  /** The version of what this node tells of itself beside its card: it is in every beat. */
  readonly version: number;
  joined(node: OtherNode): void;
  /** Called for a node that joined, too. */
  beat(node: OtherNode, version: number): void;
  left(node: OtherNode): void;
  failed(error: unknown): void;
}

/** How many beats may stay out until a node is held for dead. */
const beatsInLease = 3;
const longestBeatMs = 3_600_000;
const mostLayers = 100;
/** Any program that reaches the layer can say that it is a node, and many of them. */
const mostNodes = 10_000;

/**
 * The registry of nodes: each beats over the group that all are in, and one that has not been heard for three of its
 * intervals is gone. A beat holds the node's whole card, so that one beat is enough to know it. At most 10,000 others are
 * known; the cards of more are refused.
 */
export class Nodes {
  readonly #link: NodeChannel;
  readonly #clock: Clock;
  readonly #beatMs: number;
  readonly #own: Readonly<Record<string, string>>;
  readonly #listener: NodesListener;
  readonly #nodes = new Map<string, OtherNode>();
  /** By the id on a layer: the node, and its alias of that layer. */
  readonly #places = new Map<string, { readonly node: OtherNode; readonly alias: string }>();
  #timer: unknown;
  #beatAt = 0;
  #isBeating = false;

  /** @param own this node's ids on its layers, by alias. */
  constructor(
    link: NodeChannel,
    clock: Clock,
    nodeHeartbeatMs: number,
    own: Readonly<Record<string, string>>,
    listener: NodesListener,
  ) {
    this.#link = link;
    this.#clock = clock;
    this.#beatMs = nodeHeartbeatMs;
    this.#own = own;
    this.#listener = listener;
  }

  /** The other nodes. */
  get all(): readonly OtherNode[] {
    return [...this.#nodes.values()];
  }

  get(id: string): OtherNode | undefined {
    return this.#nodes.get(id);
  }

  /** Where an actor's channel is, and through which of that node's layers. */
  placeOf(channel: string): { readonly node: OtherNode; readonly alias: string } | undefined {
    return this.#places.get(nodeOf(channel));
  }

  /** Begins to beat. */
  start(): void {
    if (this.#isBeating) return;
    this.#isBeating = true;
    this.#beatAt = timeOf(this.#clock) + this.#beatMs;
    this.#schedule();
  }

  /** Says that this node is here; every other one says so in return. */
  hello(): void {
    this.#link.post(undefined, "node", this.#card(true));
  }

  /** No beat any more. */
  stop(): void {
    this.#isBeating = false;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Tells the others, so that they need not wait for the end of the lease. */
  async goodbye(): Promise<void> {
    await this.#link.toAll("bye", {});
  }

  /** Takes another node's card. @returns false for one that makes no sense. */
  heard(fields: Fields, from: string): boolean {
    const layers = readLayers(fields.layers);
    const nodeHeartbeatMs = readCount(fields.nodeHeartbeatMs);
    const version = readCount(fields.version);
    const id = nodeOf(from);
    if (layers === undefined || nodeHeartbeatMs === undefined || version === undefined) return false;
    const known = this.#nodes.get(id);
    if (known === undefined) {
      if (this.#nodes.size >= mostNodes) return false;
      const places = [...layers.values()];
      // Another runtime's channels are not for the taking.
      if (!places.includes(id) || places.some((place) => this.#isTaken(place))) return false;
    } else if (known.channel !== from && !isSame(known.layers, layers)) return false;
    const node = known ?? this.#add(from, layers, nodeHeartbeatMs);
    node.channel = from;
    node.heardAt = timeOf(this.#clock);
    this.#listener.beat(node, version);
    if (fields.answer === true) this.#link.post(from, "node", this.#card(false));
    return true;
  }

  /** A node said that it is going. */
  parted(from: string): boolean {
    const node = this.#nodes.get(nodeOf(from));
    if (node?.channel === from) this.#remove(node);
    return true;
  }

  #isTaken(place: string): boolean {
    return this.#places.has(place) || Object.values(this.#own).includes(place);
  }

  #add(channel: string, layers: ReadonlyMap<string, string>, nodeHeartbeatMs: number): OtherNode {
    const leaseMs = Math.min(Math.max(nodeHeartbeatMs, 1), longestBeatMs) * beatsInLease;
    const node: OtherNode = { id: nodeOf(channel), channel, layers, leaseMs, heardAt: 0 };
    this.#nodes.set(node.id, node);
    for (const [alias, place] of layers) this.#places.set(place, { node, alias });
    this.#listener.joined(node);
    return node;
  }

  #remove(node: OtherNode): void {
    this.#nodes.delete(node.id);
    for (const place of node.layers.values()) this.#places.delete(place);
    this.#listener.left(node);
  }

  #card(answer: boolean): object {
    return { layers: this.#own, nodeHeartbeatMs: this.#beatMs, version: this.#listener.version, answer };
  }

  /** Waits for the next beat, or for the end of a lease if that comes first. */
  #schedule(leastMs = 1): void {
    let due = this.#beatAt;
    for (const { heardAt, leaseMs } of this.#nodes.values()) due = Math.min(due, heardAt + leaseMs);
    const ms = Math.max(leastMs, Math.ceil(due - timeOf(this.#clock)));
    this.#timer = this.#clock.setTimeout(() => this.#wake(timeOf(this.#clock) - due), ms);
    // A program that has nothing else to do may end.
    (this.#timer as { unref?: () => void } | undefined)?.unref?.();
  }

  #wake(lateMs: number): void {
    // After the event loop was blocked, the beats of others are there, but have not been read yet.
    const isLate = lateMs > this.#beatMs;
    if (!isLate) this.#sweep();
    if (this.#beatAt <= timeOf(this.#clock)) this.#beat();
    if (this.#isBeating) this.#schedule(isLate ? Math.ceil(this.#beatMs / 2) : 1);
  }

  #beat(): void {
    // Not all at the same moment: nodes that were started together would beat together for ever.
    this.#beatAt = timeOf(this.#clock) + this.#beatMs * (0.8 + 0.2 * Math.random());
    this.#link.open().then(
      () => {
        if (this.#isBeating) this.#link.post(undefined, "node", this.#card(false));
      },
      (error: unknown) => {
        if (this.#isBeating) this.#listener.failed(error);
      },
    );
  }

  #sweep(): void {
    const now = timeOf(this.#clock);
    for (const node of this.all) {
      if (node.heardAt + node.leaseMs <= now) this.#remove(node);
    }
  }
}

function isSame(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([alias, place]) => other.get(alias) === place);
}

function readLayers(value: unknown): ReadonlyMap<string, string> | undefined {
  const fields = readFields(value);
  if (fields === undefined) return undefined;
  const layers = new Map<string, string>();
  for (const [alias, place] of Object.entries(fields)) {
    const name = readName(place);
    if (name === undefined || layers.size === mostLayers) return undefined;
    layers.set(alias, name);
  }
  return layers;
}
