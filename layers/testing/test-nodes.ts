import { randomBytes } from "node:crypto";
import type { ChannelLayer } from "../channel-layer.ts";
import type { ErrorListener } from "../error-reporter.ts";
import type { LayerImplementation, NodeOptions, TestRunner } from "./layer-implementation.ts";
import { Recorder } from "./recorder.ts";

export interface TestChannel {
  readonly channel: string;
  readonly inbox: Recorder;
}

export interface Suite extends Pick<TestRunner, "describe" | "it"> {
  readonly nodes: TestNodes;
  readonly lacks: NonNullable<LayerImplementation["lacks"]>;
}

/** Starts two nodes for each case, under a new prefix. */
export class TestNodes {
  readonly errors: Parameters<ErrorListener>[] = [];
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

  /** Starts one more node, which {@link close} also closes. */
  async startNode(options: NodeOptions = {}, prefix = this.prefix): Promise<ChannelLayer> {
    const node = await this.#implementation.startNode(prefix, options);
    node.onError = (...report) => this.errors.push(report);
    this.#nodes.push(node);
    return node;
  }

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

  async publishToGroup(group: string, payload: Uint8Array): Promise<void> {
    await this.#implementation.publish(`${this.prefix}__group__${group}`, payload);
  }

  async publishToNode(node: ChannelLayer, payload: Uint8Array): Promise<void> {
    await this.#implementation.publish(`${this.prefix}__node__${node.node}`, payload);
  }

  async enqueue(channel: string, payload: Uint8Array): Promise<void> {
    if (this.#implementation.enqueue === undefined)
      throw new Error("The implementation has no `enqueue`: add it, or name queues in `lacks`.");
    await this.#implementation.enqueue(`${this.prefix}__queue__${channel}`, payload);
  }

  async cut(node: ChannelLayer): Promise<void> {
    if (this.#implementation.cut === undefined)
      throw new Error("The implementation has no `cut`: add it, or name gap and recovery in `lacks`.");
    await this.#implementation.cut(node);
  }

  #node(index: number): ChannelLayer {
    const node = this.#nodes[index];
    if (node === undefined) throw new Error("There are no nodes: the runner did not call beforeEach.");
    return node;
  }
}
