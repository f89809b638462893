import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { ErrorListener } from "../../layers/error-reporter.ts";
import { LayerClosedError } from "../../layers/errors.ts";
import type { Inbox, Mail } from "../../layers/message.ts";
import { RuntimeClosedError } from "../errors.ts";
import { reservedPrefix } from "./argument-checks.ts";
import * as read from "./untrusted.ts";

const nodesGroup = `${reservedPrefix}nodes`;

/** Returns the id of the node that created a channel. The channel's name begins with this id. */
export const nodeOf = (channel: string): string => channel.slice(0, channel.indexOf("!"));

export interface NodeChannelListener {
  /** Called when the node can send and receive. Called again for a new channel after the layer's `flush`. */
  opened(): void;
  /** @param from the sender's own channel on the control layer; undefined for a malformed message. */
  received(type: string, fields: read.Fields, from: string | undefined): void;
  /** Called with a message that this node has sent with {@link NodeChannel.sendToAll}. */
  echoed(fields: read.Fields): void;
  /** Called when messages of other nodes may have been lost. */
  gap(): void;
}

/** This node's own channel on the control layer. The channel is a member of the group of all nodes. */
export class NodeChannel implements Inbox {
  /** Undefined until {@link open} has succeeded. */
  name: string | undefined;
  readonly #layer: ChannelLayer;
  readonly #listener: NodeChannelListener;
  readonly #report: ErrorListener;
  #opening: Promise<void> | undefined;
  #isClosed = false;

  constructor(layer: ChannelLayer, listener: NodeChannelListener, report: ErrorListener) {
    this.#layer = layer;
    this.#listener = listener;
    this.#report = report;
  }

  get node(): string {
    return this.#layer.node;
  }

  /** Joins the group of all nodes. Another call joins again only after a failure or a flush of the layer. */
  open(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new RuntimeClosedError());
    if (this.name !== undefined && this.#layer.local.member(this.name) === undefined) {
      this.name = undefined;
      this.#opening = undefined;
    }
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** Sends to the channel `to`, by default to all other nodes. @throws {LayerUnavailableError} */
  async send(to: string | undefined, type: string, fields: object): Promise<void> {
    const from = this.name;
    if (from === undefined) return;
    const message = { ...fields, type: reservedPrefix + type, from };
    if (to === undefined) await this.#layer.groupSend(nodesGroup, message, { except: from });
    else await this.#layer.send(to, message);
  }

  /** Sends to all nodes, including this node. @throws {LayerUnavailableError} */
  async sendToAll(type: string, fields: object): Promise<void> {
    const from = this.name;
    if (from === undefined) return;
    await this.#layer.groupSend(nodesGroup, { ...fields, type: reservedPrefix + type, from });
  }

  /** Like {@link send}, but reports a failure instead of rejecting. Does not report a closed layer. */
  post(to: string | undefined, type: string, fields: object): void {
    this.send(to, type, fields).catch((error: unknown) => {
      if (!(error instanceof LayerClosedError)) this.#report(error, { stage: "control" });
    });
  }

  deliver({ message }: Mail): void {
    const { type } = message;
    const from = read.channel(message.from);
    if (from !== undefined && nodeOf(from) === this.node) {
      this.#listener.echoed(message);
      return;
    }
    const isControl = type.startsWith(reservedPrefix);
    this.#listener.received(type.slice(reservedPrefix.length), message, isControl ? from : undefined);
  }

  gap(): void {
    this.#listener.gap();
  }

  /** Removes the channel. A pending {@link open} removes its own new channel. May be called twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.name !== undefined) await this.#layer.local.remove(this.name);
    this.name = undefined;
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
    this.name = channel;
    this.#listener.opened();
  }
}
