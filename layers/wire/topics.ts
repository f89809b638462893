import { checkPrefix, deadSuffix } from "../names.ts";

/** The names on the wire. Groups are named as in channels_redis' pub/sub layer, so Django can share them. */
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

  groupOf(topic: string): string | undefined {
    return this.isGroup(topic) ? topic.slice(this.#groups.length) : undefined;
  }

  /** The topic of all direct sends to channels of a node. */
  node(name: string): string {
    return this.#nodes + name;
  }

  queue(name: string): string {
    return this.#queues + name;
  }

  /** The topic of the queue to which the jobs of a queue were sent first, if this is a queue of dead letters. */
  originOfJobs(queue: string): string {
    let origin = queue;
    while (origin.endsWith(deadSuffix)) origin = origin.slice(0, -deadSuffix.length);
    return this.queue(origin);
  }
}
