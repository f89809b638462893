import { isDeepStrictEqual } from "node:util";
import { BoundedCache } from "../../layers/bounded-cache.ts";
import { type Clock, unref } from "../../layers/clock.ts";
import type { ErrorListener } from "../../layers/error-reporter.ts";
import { LayerClosedError } from "../../layers/errors.ts";
import { jitter } from "../../layers/jitter.ts";
import { longestPauseMs } from "../../layers/retry.ts";
import type { RuntimeDropReason } from "../counters.ts";
import { timeOf } from "../deadline.ts";
import { otherNodes } from "../limits/other-nodes.ts";
import { TokenBucket } from "../limits/token-bucket.ts";
import type { Presence } from "../presence/presence.ts";
import { HeartbeatEcho } from "./heartbeat-echo.ts";
import { type NodeChannel, nodeOf } from "./node-channel.ts";
import * as read from "./untrusted.ts";

export interface OtherNode {
  readonly id: string;
  /** The node's own channel on the control layer. After a flush of the layer, the node has a new channel. */
  channel: string;
  /** The node's id on each of its layers, by alias. The names of the node's channels begin with these ids. */
  readonly layers: ReadonlyMap<string, string>;
  /** Time after a heartbeat during which the node counts as alive, in milliseconds. */
  readonly leaseMs: number;
  /** The time of the first heartbeat that is remembered, even if the node was removed in the meantime. */
  readonly firstHeartbeatAt: number;
  lastHeartbeatAt: number;
  /** Limits this node's replies to the other node's heartbeats. */
  readonly replies: TokenBucket;
}

export interface NodeRegistryOptions {
  readonly clock: Clock;
  readonly nodeHeartbeatMs: number;
  /** This node's ids on its layers, by alias. */
  readonly layers: Readonly<Record<string, string>>;
}

export interface NodeListener {
  nodeJoined?(node: OtherNode): void;
  nodeLeft(node: OtherNode): void;
}

const heartbeatsInLease = 3;

/** A heartbeat describes its node completely, so one heartbeat is enough to add the node. */
export const readHeartbeat = read.object({
  layers(value: unknown) {
    const ids = Object.entries(read.fields(value) ?? {});
    if (ids.length === 0 || ids.length > otherNodes.maxLayers || !ids.every(([, id]) => read.name(id))) {
      return undefined;
    }
    const text = ids.reduce((sum, [alias, id]) => sum + alias.length + (id as string).length, 0);
    if (text > otherNodes.maxLayerText) return undefined;
    return new Map(ids as [string, string][]);
  },
  nodeHeartbeatMs: read.count,
  /** The version of the node's presence entries. */
  version: read.count,
  /** Whether the receiver must reply with a heartbeat of its own. */
  reply: read.flag,
});

const readEcho = read.object({ sentAt: read.count });

/**
 * The other nodes. A node that sends no heartbeat for three of its heartbeat intervals is removed when this
 * node's own next heartbeat comes back. After an interruption of these echoes, each node gets a new lease, which
 * begins when all nodes have had the time to reconnect.
 */
export class NodeRegistry {
  readonly listeners: NodeListener[] = [];
  readonly #channel: NodeChannel;
  readonly #options: NodeRegistryOptions;
  readonly #presence: Presence;
  readonly #report: ErrorListener;
  readonly #nodes = new Map<string, OtherNode>();
  /** Maps each id of a node on a layer to the node and to the layer's alias. */
  readonly #locations = new Map<string, { readonly node: OtherNode; readonly alias: string }>();
  /** The times of the first heartbeats of nodes, by id. */
  readonly #heard = new BoundedCache<string, number>(otherNodes.maxHeardNames);
  /** Limits this node's replies to heartbeats. */
  readonly #replies: TokenBucket;
  readonly #echo: HeartbeatEcho;
  /** The time of the last heartbeat whose echo has come back. */
  #echoedAt = Number.NEGATIVE_INFINITY;
  #timer: unknown;
  /** The time of this node's last heartbeat to all nodes, rounded up to milliseconds. */
  #sentAt = 0;
  #isRunning = false;

  constructor(channel: NodeChannel, options: NodeRegistryOptions, presence: Presence, report: ErrorListener) {
    this.#channel = channel;
    this.#options = options;
    this.#presence = presence;
    this.#report = report;
    this.#echo = new HeartbeatEcho(options.nodeHeartbeatMs);
    this.#replies = new TokenBucket(options.clock, otherNodes.replies);
  }

  get ids(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  byChannel(channel: string): OtherNode | undefined {
    const node = this.#nodes.get(nodeOf(channel));
    return node?.channel === channel ? node : undefined;
  }

  /** Returns the node that created an actor's channel, and that node's alias for the channel's layer. */
  locate(channel: string): { readonly node: OtherNode; readonly alias: string } | undefined {
    return this.#locations.get(nodeOf(channel));
  }

  /** Opens the channel and starts the heartbeats. If opening fails, each heartbeat retries it. */
  start(): void {
    this.#isRunning = true;
    this.#schedule();
    this.#channel.open().catch(this.#onError);
  }

  /** Announces this node after an interruption. Each of the other nodes replies with a heartbeat. */
  announce(): void {
    this.#echo.interrupted();
    void this.#broadcast(true);
  }

  /** Sends a message to another node. Does nothing if the node is unknown. */
  post(id: string, type: string, fields: object): void {
    const node = this.#nodes.get(id);
    if (node !== undefined) this.#channel.post(node.channel, type, fields);
  }

  stop(): void {
    this.#isRunning = false;
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Announces that this node leaves, so that the other nodes do not wait for the end of its lease. */
  async leave(): Promise<void> {
    this.stop();
    await this.#channel.send(undefined, "leave", {}).catch(this.#onError);
    await this.#channel.close();
  }

  onHeartbeat(
    { layers, nodeHeartbeatMs, version, reply }: read.Read<typeof readHeartbeat>,
    from: string,
  ): RuntimeDropReason | undefined {
    const id = nodeOf(from);
    const known = this.#nodes.get(id);
    if (known === undefined) {
      const ids = [...layers.values()];
      const own = Object.values(this.#options.layers);
      // A node that claimed the ids of another node would receive the messages of the other node.
      if (!ids.includes(id) || ids.some((taken) => own.includes(taken) || this.#locations.has(taken))) {
        return "garbage";
      }
    } else if (known.channel !== from && !isDeepStrictEqual(known.layers, layers)) return "garbage";
    const isFull = known === undefined && this.#nodes.size >= otherNodes.maxNodes;
    if (isFull) this.#remove(this.#leastTrusted());
    const node = known ?? this.#add(from, layers, nodeHeartbeatMs);
    node.channel = from;
    node.lastHeartbeatAt = this.#now;
    const dropped = this.#presence.heartbeat(node.id, version);
    if (reply) {
      if (!node.replies.take() || !this.#replies.take()) return "excess";
      this.#channel.post(from, "heartbeat", this.#heartbeat(false));
    }
    return isFull ? "excess" : dropped;
  }

  onLeave(from: string): void {
    const node = this.byChannel(from);
    if (node !== undefined) this.#remove(node);
  }

  /** Handles a heartbeat of this node, which proves that the control layer carries messages. */
  onEcho(fields: read.Fields): void {
    const echo = readEcho(fields);
    if (echo === undefined) return;
    this.#echo.received(this.#now);
    const sentAt = Math.min(echo.sentAt, this.#sentAt);
    // A repeated echo proves nothing new.
    if (sentAt <= this.#echoedAt) return;
    this.#echoedAt = sentAt;
    for (const node of [...this.#nodes.values()]) if (this.#leaseEnd(node) <= sentAt) this.#remove(node);
  }

  get #now(): number {
    return timeOf(this.#options.clock);
  }

  #add(channel: string, layers: ReadonlyMap<string, string>, nodeHeartbeatMs: number): OtherNode {
    const { clock } = this.#options;
    const id = nodeOf(channel);
    const now = this.#now;
    const node: OtherNode = {
      id,
      channel,
      layers,
      leaseMs: Math.min(Math.max(nodeHeartbeatMs, 1), otherNodes.maxHeartbeatMs) * heartbeatsInLease,
      firstHeartbeatAt: this.#heard.get(id, () => now),
      lastHeartbeatAt: now,
      replies: new TokenBucket(clock, otherNodes.repliesToOne),
    };
    this.#nodes.set(node.id, node);
    for (const [alias, id] of layers) this.#locations.set(id, { node, alias });
    for (const listener of this.listeners) listener.nodeJoined?.(node);
    return node;
  }

  /** Returns the node that gives way to a new one: first a node that was heard only once, then the oldest. */
  #leastTrusted(): OtherNode {
    const isConfirmed = ({ firstHeartbeatAt, lastHeartbeatAt }: OtherNode) =>
      lastHeartbeatAt - firstHeartbeatAt >= otherNodes.confirmedAfterMs;
    return [...this.#nodes.values()].reduce((least, node) => {
      if (isConfirmed(least) !== isConfirmed(node)) return isConfirmed(least) ? node : least;
      return node.lastHeartbeatAt < least.lastHeartbeatAt ? node : least;
    });
  }

  #remove(node: OtherNode): void {
    this.#nodes.delete(node.id);
    for (const id of node.layers.values()) this.#locations.delete(id);
    for (const listener of this.listeners) listener.nodeLeft(node);
    this.#presence.nodeLeft(node.id);
  }

  #heartbeat(reply: boolean): object {
    const { layers, nodeHeartbeatMs } = this.#options;
    // A node that does not know this node yet ignores changes, so the version must include the latest ones.
    this.#presence.flush();
    return { layers, nodeHeartbeatMs, version: this.#presence.version, reply };
  }

  #leaseEnd({ lastHeartbeatAt, leaseMs }: OtherNode): number {
    return Math.max(lastHeartbeatAt, this.#echo.since + longestPauseMs) + leaseMs;
  }

  #schedule(): void {
    const { clock, nodeHeartbeatMs } = this.#options;
    this.#timer = clock.setTimeout(
      () => {
        this.#schedule();
        this.#channel.open().then(() => this.#broadcast(false), this.#onError);
      },
      Math.ceil(jitter(nodeHeartbeatMs, 0.8)),
    );
    // The timer alone must not keep a process alive.
    unref(this.#timer);
  }

  async #broadcast(reply: boolean): Promise<void> {
    if (!this.#isRunning) return;
    this.#sentAt = Math.ceil(this.#now);
    const heartbeat = { ...this.#heartbeat(reply), sentAt: this.#sentAt };
    await this.#channel.sendToAll("heartbeat", heartbeat).catch(this.#onError);
  }

  readonly #onError = (error: unknown): void => {
    if (!this.#isRunning) return;
    // The application has closed the layer, so retries would fail, too.
    if (error instanceof LayerClosedError) this.stop();
    else this.#report(error, { stage: "control" });
  };
}
