import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { ErrorListener } from "../../layers/error-reporter.ts";
import { LayerClosedError } from "../../layers/errors.ts";
import type { Inbox, Mail } from "../../layers/message.ts";
import { RuntimeClosedError } from "../errors.ts";
import { reserved } from "./argument-checks.ts";
import { type Fields, nodeOf, readChannel } from "./untrusted.ts";

/** What a message from node to node begins with. */
const prefix = reserved;
/** The group that all nodes are in. */
const nodesGroup = `${reserved}nodes`;

/** What a message from another node is given to. It MUST return false for one that makes no sense. */
export interface LinkListener {
  /** The node can speak, and be spoken to: now, or again. */
  opened(): void;
  /** @param from the sender's own channel on the control layer. */
  message(type: string, fields: Fields, from: string): boolean;
  /** Messages of other nodes may have been lost. */
  gap(): void;
  /** A message was dropped, since it makes no sense. */
  garbage(): void;
}

/** A node's place on the control layer: one channel, in the group that all nodes are in. */
export class NodeChannel implements Inbox {
  /** Undefined until {@link open} has succeeded. */
  channel: string | undefined;
  readonly #layer: ChannelLayer;
  readonly #listener: LinkListener;
  readonly #report: ErrorListener;
  #opening: Promise<void> | undefined;
  #isClosed = false;

  constructor(layer: ChannelLayer, listener: LinkListener, report: ErrorListener) {
    this.#layer = layer;
    this.#listener = listener;
    this.#report = report;
  }

  /** Makes the channel and joins the group, once; again after that has failed, or after the layer was flushed. */
  open(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new RuntimeClosedError());
    if (this.channel !== undefined && this.#layer.local.member(this.channel) === undefined) {
      this.channel = undefined;
      this.#opening = undefined;
    }
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** To every other node. @throws {LayerUnavailableError} */
  async toAll(type: string, fields: object): Promise<void> {
    const { channel } = this;
    if (channel === undefined) return;
    const message = { ...fields, type: prefix + type, from: channel };
    await this.#layer.groupSend(nodesGroup, message, { except: channel });
  }

  /** To one node, by its own channel on the control layer. @throws {LayerUnavailableError} */
  async to(node: string, type: string, fields: object): Promise<void> {
    if (this.channel === undefined) return;
    await this.#layer.send(node, { ...fields, type: prefix + type, from: this.channel });
  }

  /** As {@link toAll} and {@link to}, for what nobody waits for. */
  post(node: string | undefined, type: string, fields: object): void {
    const sending = node === undefined ? this.toAll(type, fields) : this.to(node, type, fields);
    sending.catch((error: unknown) => {
      if (!(error instanceof LayerClosedError)) this.#report(error, { stage: "control" });
    });
  }

  deliver({ message }: Mail): void {
    const { type, from: sender, ...fields } = message;
    const from = readChannel(sender);
    if (from !== undefined && nodeOf(from) === this.#layer.node) return;
    if (from !== undefined && type.startsWith(prefix)) {
      if (this.#listener.message(type.slice(prefix.length), fields, from)) return;
    }
    this.#listener.garbage();
  }

  gap(): void {
    this.#listener.gap();
  }

  /** Gives up the channel: one that is still being made is given up when it is there. May be called twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.channel !== undefined) await this.#layer.local.remove(this.channel);
    this.channel = undefined;
  }

  async #open(): Promise<void> {
    const channel = await this.#layer.newChannel(this);
    try {
      await this.#layer.groupAdd(nodesGroup, channel);
    } catch (error) {
      await this.#layer.local.remove(channel);
      throw error;
    }
    if (this.#isClosed) {
      await this.#layer.local.remove(channel);
      return;
    }
    this.channel = channel;
    this.#listener.opened();
  }
}
