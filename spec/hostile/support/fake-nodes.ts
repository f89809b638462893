import type { ChannelLayer } from "greenroom";

/** A program that has access to the control layer, and speaks in the names of nodes that do not exist. */
export class FakeNodes {
  readonly #layer: ChannelLayer;

  constructor(layer: ChannelLayer) {
    this.#layer = layer;
  }

  /** Sends to all nodes in the name of a node. */
  async say(name: string, type: string, fields: object): Promise<void> {
    const message = { ...fields, type: `greenroom.${type}`, from: `${name}!1` };
    await this.#layer.groupSend("greenroom.nodes", message as never);
  }

  /** Announces a node. By default, it claims a lease of three hours. */
  async announce(name: string, fields: object = {}): Promise<void> {
    const heartbeat = { layers: { chat: name }, nodeHeartbeatMs: 3_600_000, version: 0, reply: false };
    await this.say(name, "heartbeat", { ...heartbeat, ...fields });
  }
}

/** Returns presence entries with the refs `from` to `from + count - 1`. */
export const entriesOf = (group: string, from: number, count: number, meta: unknown = {}, graceMs = 0) =>
  Array.from({ length: count }, (_, index) => {
    const ref = from + index;
    return { ref, group, key: `key${ref}`, meta, graceMs };
  });
