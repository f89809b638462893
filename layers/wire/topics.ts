import { checkPrefix } from "../names.ts";

/**
 * The names of groups, nodes and queues on the wire. A group's is the one that channels_redis' `RedisPubSubChannelLayer` uses,
 * so that a Django process with the same prefix shares it.
 */
export class Topics {
  readonly #groups: string;
  readonly #nodes: string;
  readonly #queues: string;

  /** @throws {InvalidNameError} */
  constructor(prefix: string) {
    checkPrefix(prefix);
    this.#groups = `${prefix}__group__`;
    this.#nodes = `${prefix}__node__`;
    this.#queues = `${prefix}__queue__`;
  }

  group(name: string): string {
    return this.#groups + name;
  }

  isGroup(topic: string): boolean {
    return topic.startsWith(this.#groups);
  }

  /** The name of the group whose topic this is; nothing for any other topic. */
  groupOf(topic: string): string | undefined {
    return this.isGroup(topic) ? topic.slice(this.#groups.length) : undefined;
  }

  /** One topic carries the direct sends for all channels of a node. */
  node(name: string): string {
    return this.#nodes + name;
  }

  /** The work queue of a named channel. */
  queue(name: string): string {
    return this.#queues + name;
  }
}
