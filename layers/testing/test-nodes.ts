import { randomBytes } from "node:crypto";
import type { ChannelLayer } from "../channel-layer.ts";
import type { ErrorListener } from "../error-reporter.ts";
import type { LayerImplementation, NodeOptions, TestRunner } from "./layer-implementation.ts";
import { Recorder } from "./recorder.ts";

/** A channel of a node, with the inbox that records what it gets. */
export interface TestChannel {
  readonly channel: string;
  readonly inbox: Recorder;
}

/** What the parts of the suite get. */
export interface Suite extends Pick<TestRunner, "describe" | "it"> {
  readonly nodes: TestNodes;
  readonly lacks: NonNullable<LayerImplementation["lacks"]>;
}

/** Two nodes under a prefix of their own, started anew for each case. */
export class TestNodes {
  /** What the nodes reported through `onError`. */
  readonly errors: Parameters<ErrorListener>[] = [];
  /** The prefix of the nodes, another one for each case. */
  prefix = "";
  readonly #implementation: LayerImplementation;
  #nodes: ChannelLayer[] = [];

  constructor(implementation: LayerImplementation) {
    this.#implementation = implementation;
  }

  get one(): ChannelLayer {
    return this.#node(0);
  }

  get other(): ChannelLayer {
    return this.#node(1);
  }

  async open(): Promise<void> {
    this.prefix = `spec-${randomBytes(6).toString("hex")}`;
    const nodes = [await this.startNode(), await this.startNode()];
    await Promise.all(nodes.map((node) => node.ready()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.splice(0).map((node) => node.close()));
    this.errors.length = 0;
  }

  /** Starts one more node, which is closed with the others. @param prefix the one of the others by default */
  async startNode(options: NodeOptions = {}, prefix = this.prefix): Promise<ChannelLayer> {
    const node = await this.#implementation.startNode(prefix, options);
    node.onError = (...report) => this.errors.push(report);
    this.#nodes.push(node);
    return node;
  }

  /** Adds a new channel to `node`, in all of `groups`. */
  async addChannel(node: ChannelLayer, ...groups: string[]): Promise<TestChannel> {
    const inbox = new Recorder();
    const channel = await node.newChannel(inbox);
    await Promise.all(groups.map((group) => node.groupAdd(group, channel)));
    return { channel, inbox };
  }

  /** Resolves once node `one` has delivered everything that was sent to `group` before this call. */
  async settled(group = "group"): Promise<void> {
    const { inbox } = await this.addChannel(this.one, group);
    await this.other.groupSend(group, { type: "end" });
    await inbox.next("end");
  }

  /** Puts bytes on the topic of a group, past all checks. */
  async publishToGroup(group: string, payload: Uint8Array): Promise<void> {
    await this.#implementation.publish(`${this.prefix}__group__${group}`, payload);
  }

  /** Puts bytes on the topic of a node, past all checks. */
  async publishToNode(node: ChannelLayer, payload: Uint8Array): Promise<void> {
    await this.#implementation.publish(`${this.prefix}__node__${node.node}`, payload);
  }

  /** Puts bytes into the queue of a named channel, past all checks. */
  async enqueue(channel: string, payload: Uint8Array): Promise<void> {
    if (this.#implementation.enqueue === undefined)
      throw new Error("Without `enqueue`, `lacks` names queues.");
    await this.#implementation.enqueue(`${this.prefix}__queue__${channel}`, payload);
  }

  /** Breaks the connection on which `node` receives. */
  async cut(node: ChannelLayer): Promise<void> {
    if (this.#implementation.cut === undefined)
      throw new Error("Without `cut`, `lacks` names gap and recovery.");
    await this.#implementation.cut(node);
  }

  #node(index: number): ChannelLayer {
    const node = this.#nodes[index];
    if (node === undefined) throw new Error("The nodes are started before each case.");
    return node;
  }
}
