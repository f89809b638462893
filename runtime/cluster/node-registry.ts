import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../layers/clock.ts";
import type { ErrorListener } from "../../layers/error-reporter.ts";
import { LayerClosedError } from "../../layers/errors.ts";
import { jitter } from "../../layers/jitter.ts";
import { timeOf } from "../deadline.ts";
import type { Presence } from "../presence/presence.ts";
import { type NodeChannel, nodeOf } from "./node-channel.ts";
import * as read from "./untrusted.ts";

/** Another node, as far as it is known here. */
export interface OtherNode {
  readonly id: string;
  /** The node's own channel on the control layer. It changes if the layer is flushed. */
  channel: string;
  /** The node's ids on its layers, by alias: the names of its channels begin with them. */
  readonly layers: ReadonlyMap<string, string>;
  /** How long the node counts as alive after a heartbeat, in milliseconds. */
  readonly leaseMs: number;
  heardAt: number;
}

export interface NodeRegistryOptions {
  readonly clock: Clock;
  readonly nodeHeartbeatMs: number;
  /** This node's ids on its layers, by alias. */
  readonly layers: Readonly<Record<string, string>>;
}

/** Is told of changes in the registry. */
export interface NodeListener {
  nodeJoined?(): void;
  nodeLeft(node: OtherNode): void;
}

/** The lease of a node, in heartbeats. */
const heartbeatsInLease = 3;
const maxLayers = 100;
const maxHeartbeatMs = 3_600_000;
/** Any program that reaches the layer can pretend to be a node, and many of them. */
const maxNodes = 10_000;

/** A heartbeat describes its node completely, so that one is enough to know the node. */
export const readHeartbeat = read.object({
  /** The node's ids on its layers, by alias. */
  layers(value: unknown) {
    const ids = Object.entries(read.fields(value) ?? {});
    if (ids.length === 0 || ids.length > maxLayers || !ids.every(([, id]) => read.name(id))) return undefined;
    return new Map(ids as [string, string][]);
  },
  nodeHeartbeatMs: read.count,
  /** The version of the node's presence entries. */
  version: read.count,
  /** Whether the receivers reply with a heartbeat of their own. */
  reply: read.flag,
});

/**
 * Knows the other nodes: each sends heartbeats to the group of all nodes, and is removed when its lease of three
 * heartbeats ends. At most 10,000 other nodes are known; heartbeats of more are refused.
 */
export class NodeRegistry {
  readonly listeners: NodeListener[] = [];
  readonly #channel: NodeChannel;
  readonly #options: NodeRegistryOptions;
  readonly #presence: Presence;
  readonly #report: ErrorListener;
  readonly #nodes = new Map<string, OtherNode>();
  /** By the id on a layer: the node, and its alias of that layer. */
  readonly #locations = new Map<string, { readonly node: OtherNode; readonly alias: string }>();
  #timer: unknown;
  #heartbeatAt = 0;
  #isRunning = false;

  constructor(channel: NodeChannel, options: NodeRegistryOptions, presence: Presence, report: ErrorListener) {
    this.#channel = channel;
    this.#options = options;
    this.#presence = presence;
    this.#report = report;
  }

  /** The ids of the other nodes. */
  get ids(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  /** Returns the node whose own channel this is. */
  byChannel(channel: string): OtherNode | undefined {
    const node = this.#nodes.get(nodeOf(channel));
    return node?.channel === channel ? node : undefined;
  }

  /** Returns the node that has an actor's channel, and the alias of the channel's layer there. */
  locate(channel: string): { readonly node: OtherNode; readonly alias: string } | undefined {
    return this.#locations.get(nodeOf(channel));
  }

  /** Opens the channel and starts the heartbeats. A failure is reported, and tried again with the next heartbeat. */
  start(): void {
    this.#isRunning = true;
    this.#heartbeatAt = this.#now + this.#options.nodeHeartbeatMs;
    this.#schedule();
    this.#channel.open().catch(this.#failed);
  }

  /** Announces this node to all others. Each answers with a heartbeat. */
  announce(): void {
    this.#channel.post(undefined, "heartbeat", this.#heartbeat(true));
  }

  /** Sends to another node, if it is known. */
  post(id: string, type: string, fields: object): void {
    const node = this.#nodes.get(id);
    if (node !== undefined) this.#channel.post(node.channel, type, fields);
  }

  /** Sends no more heartbeats. */
  stop(): void {
    this.#isRunning = false;
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Tells the other nodes that this one leaves, so that they need not wait for the end of its lease. */
  async leave(): Promise<void> {
    this.stop();
    await this.#channel.send(undefined, "leave", {}).catch(this.#failed);
    await this.#channel.close();
  }

  /** Takes the heartbeat of another node. @returns why it was dropped, if it was. */
  heard(
    { layers, nodeHeartbeatMs, version, reply }: read.Read<typeof readHeartbeat>,
    from: string,
  ): "garbage" | undefined {
    const id = nodeOf(from);
    const known = this.#nodes.get(id);
    if (known === undefined) {
      if (this.#nodes.size >= maxNodes) return "garbage";
      const ids = [...layers.values()];
      const own = Object.values(this.#options.layers);
      // A node cannot claim the channels of another one.
      if (!ids.includes(id) || ids.some((taken) => own.includes(taken) || this.#locations.has(taken))) {
        return "garbage";
      }
    } else if (known.channel !== from && !isDeepStrictEqual(known.layers, layers)) return "garbage";
    const node = known ?? this.#add(from, layers, nodeHeartbeatMs);
    node.channel = from;
    node.heardAt = this.#now;
    this.#presence.heartbeat(node.id, version);
    if (reply) this.#channel.post(from, "heartbeat", this.#heartbeat(false));
    return undefined;
  }

  /** Another node leaves. */
  left(from: string): void {
    const node = this.byChannel(from);
    if (node !== undefined) this.#remove(node);
  }

  get #now(): number {
    return timeOf(this.#options.clock);
  }

  #add(channel: string, layers: ReadonlyMap<string, string>, nodeHeartbeatMs: number): OtherNode {
    const leaseMs = Math.min(Math.max(nodeHeartbeatMs, 1), maxHeartbeatMs) * heartbeatsInLease;
    const node: OtherNode = { id: nodeOf(channel), channel, layers, leaseMs, heardAt: 0 };
    this.#nodes.set(node.id, node);
    for (const [alias, id] of layers) this.#locations.set(id, { node, alias });
    for (const listener of this.listeners) listener.nodeJoined?.();
    return node;
  }

  #remove(node: OtherNode): void {
    this.#nodes.delete(node.id);
    for (const id of node.layers.values()) this.#locations.delete(id);
    for (const listener of this.listeners) listener.nodeLeft(node);
    this.#presence.nodeLeft(node.id);
  }

  #heartbeat(reply: boolean): object {
    const { layers, nodeHeartbeatMs } = this.#options;
    return { layers, nodeHeartbeatMs, version: this.#presence.version, reply };
  }

  /** Waits for the next heartbeat, or for the end of a lease if that comes first. */
  #schedule(minMs = 1): void {
    const { clock } = this.#options;
    let due = this.#heartbeatAt;
    for (const { heardAt, leaseMs } of this.#nodes.values()) due = Math.min(due, heardAt + leaseMs);
    const ms = Math.max(minMs, Math.ceil(due - this.#now));
    this.#timer = clock.setTimeout(() => this.#wake(this.#now - due), ms);
    // The timer alone does not keep a process alive.
    (this.#timer as { unref?: () => void } | undefined)?.unref?.();
  }

  #wake(lateMs: number): void {
    const { nodeHeartbeatMs } = this.#options;
    // After the event loop was blocked, heartbeats of other nodes have arrived but were not read yet.
    const isLate = lateMs > nodeHeartbeatMs;
    const now = this.#now;
    for (const node of [...this.#nodes.values()]) {
      if (!isLate && node.heardAt + node.leaseMs <= now) this.#remove(node);
    }
    if (this.#heartbeatAt <= now) this.#sendHeartbeat();
    if (this.#isRunning) this.#schedule(isLate ? Math.ceil(nodeHeartbeatMs / 2) : 1);
  }

  #sendHeartbeat(): void {
    this.#heartbeatAt = this.#now + jitter(this.#options.nodeHeartbeatMs, 0.8);
    this.#channel.open().then(
      () => {
        if (this.#isRunning) this.#channel.post(undefined, "heartbeat", this.#heartbeat(false));
      },
      (error: unknown) => {
        if (this.#isRunning) this.#failed(error);
      },
    );
  }

  readonly #failed = (error: unknown): void => {
    // A layer that the program closed itself stays closed.
    if (error instanceof LayerClosedError) this.stop();
    else this.#report(error, { stage: "control" });
  };
}
