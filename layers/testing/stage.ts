import { randomBytes } from "node:crypto";
import type { ChannelLayer } from "../channel-layer.ts";
import type { ErrorListener } from "../error-reporter.ts";
import type { HistoryLimitOptions } from "../history-limits.ts";
import type { ChannelLayerOptions } from "../options.ts";
import { Recorder } from "./recorder.ts";

/** What a spec asks of a node beyond its world: options of every layer, and of those that keep a history. */
export type NodeOptions = Pick<ChannelLayerOptions, "queueCapacity" | "queueExpiryMs"> & HistoryLimitOptions;

/** A layer as the suite needs it. */
export interface LayerImplementation {
  /**
   * Makes a node that reaches all nodes of the same `world` and none of another. `world` is unique for each spec, and
   * must be the layer's prefix.
   */
  startNode(world: string, options: NodeOptions): ChannelLayer | Promise<ChannelLayer>;
  /** Publishes bytes on a topic, as a program that knows nothing of this package would. */
  publish(topic: string, payload: Uint8Array): Promise<unknown>;
  /** Puts bytes into a queue, as a program that knows nothing of this package would. Left out where there are none. */
  enqueue?(queue: string, payload: Uint8Array): Promise<unknown>;
  /** Breaks the connection on which `node` receives; the node restores it by itself. */
  cut?(node: ChannelLayer): Promise<unknown>;
  /** What the implementation does not have, and why: shown as a pending test. */
  readonly lacks?: {
    /** Members are told of a gap when a connection was broken. */
    readonly gap?: string;
    /** What a broken connection leaves out is delivered later. */
    readonly recovery?: string;
    /** What was sent to a group can be read. */
    readonly history?: string;
    /** Named channels are work queues. */
    readonly queues?: string;
  };
}

/** A channel of a node, with what came in. */
export interface Actor {
  readonly channel: string;
  readonly inbox: Recorder;
}

/** Two nodes of a world of their own, made anew for each spec. */
export class Stage {
  readonly implementation: LayerImplementation;
  /** What the nodes reported through `onError`. */
  readonly errors: Parameters<ErrorListener>[] = [];
  #world = "";
  #nodes: ChannelLayer[] = [];

  constructor(implementation: LayerImplementation) {
    this.implementation = implementation;
  }

  get one(): ChannelLayer {
    return this.#node(0);
  }

  get other(): ChannelLayer {
    return this.#node(1);
  }

  async open(): Promise<void> {
    this.#world = `spec-${randomBytes(6).toString("hex")}`;
    const nodes = [await this.startNode(), await this.startNode()];
    await Promise.all(nodes.map((node) => node.ready()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.splice(0).map((node) => node.close()));
    this.errors.length = 0;
  }

  /** One more node, of this world or of another, closed with the rest. */
  async startNode(world = this.#world, options: NodeOptions = {}): Promise<ChannelLayer> {
    const node = await this.implementation.startNode(world, options);
    node.onError = (...report) => this.errors.push(report);
    this.#nodes.push(node);
    return node;
  }

  /** As mocha's `it`, or a pending test with the reason where the implementation lacks `what`. */
  unlessLacking(what: keyof NonNullable<LayerImplementation["lacks"]>) {
    const reason = this.implementation.lacks?.[what];
    return (title: string, test: () => Promise<void>) =>
      reason === undefined ? it(title, test) : it(`${title} (${reason})`);
  }

  /** A new channel on `node`, in all of `groups`. */
  async actor(node: ChannelLayer, ...groups: string[]): Promise<Actor> {
    const inbox = new Recorder();
    const channel = await node.newChannel(inbox);
    await Promise.all(groups.map((group) => node.groupAdd(group, channel)));
    return { channel, inbox };
  }

  /** Puts bytes on the topic of a group, past all checks. */
  async publishToGroup(group: string, payload: Uint8Array): Promise<void> {
    await this.implementation.publish(`${this.#world}__group__${group}`, payload);
  }

  /** Puts bytes on the topic of a node, past all checks. */
  async publishToNode(node: ChannelLayer, payload: Uint8Array): Promise<void> {
    await this.implementation.publish(`${this.#world}__node__${node.node}`, payload);
  }

  /** Puts bytes into the queue of a named channel, past all checks. */
  async enqueue(channel: string, payload: Uint8Array): Promise<void> {
    await this.implementation.enqueue?.(`${this.#world}__queue__${channel}`, payload);
  }

  #node(index: number): ChannelLayer {
    const node = this.#nodes[index];
    if (node === undefined) throw new Error("The stage is not open.");
    return node;
  }
}
