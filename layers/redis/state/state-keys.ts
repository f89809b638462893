import type { Partition, StateTopic } from "../../state-backend.ts";

/** The keys of the data of one partition. All have the same hash tag, so a cluster keeps them in one slot. */
export interface PartitionKeys {
  /**
   * A hash: `node`, the owner; `version`; `run`, which is the number of the last turn, the end of the outbox, 1 if the
   * turn had conflicts, and the owner's token; the `conflicts`; `end`, the end of the outbox if there is no owner.
   */
  readonly meta: string;
  /** A hash of the snapshots by actor: the version, a line break, and the data. */
  readonly state: string;
  /** A sorted set of the actors with a deadline. */
  readonly timers: string;
  /** A hash of the actors with messages: the number of messages, a space, and the size of their payloads. */
  readonly waiting: string;
  /** A hash of the reasons of parked actors. */
  readonly parked: string;
  /** A hash of the numbers of loads by actor. 0 if messages were deleted before the actor existed. */
  readonly loads: string;
  /** A list of payloads. */
  readonly outbox: string;
  /** A list of the dead letters. */
  readonly dead: string;
  /** A hash by sender: the last number, a space, the time in seconds, and the refused numbers. */
  readonly senders: string;
  /** The channel of the topic `wake`. */
  readonly wake: string;
}

/** The keys of the data of one kind. All have the same hash tag. */
export interface KindKeys {
  /** A string: the number of partitions. */
  readonly partitions: string;
  /** A hash by node: the version, a space, and the end of the lease. */
  readonly members: string;
  /** A hash: the time of the `last` beat, the id of the `server`, and `trust`: see the script of `beat`. */
  readonly beats: string;
  /** A hash of the versions by partition. */
  readonly versions: string;
  /** The channel of the topic `members`. */
  readonly channel: string;
}

/**
 * The names of the named actors of one prefix in Redis. The names of kinds have no colon, so each name has one
 * prefix and one kind, and differs from the names of groups and queues.
 */
export class StateKeys {
  readonly #start: string;

  constructor(prefix: string) {
    // A space replaces a closing brace, which would end the tag. Prefixes have no spaces, so names stay unique.
    this.#start = `{${prefix.replaceAll("}", " ")}__named:`;
  }

  /** The hash tag of a kind, with braces. */
  kindTag(kind: string): string {
    return `${this.#start}${kind}}`;
  }

  /** The hash tag of a partition, with braces. It never contains the key of an actor. */
  tag({ kind, index }: Partition): string {
    return `${this.#start}${kind}.${index}}`;
  }

  kind(kind: string): KindKeys {
    const tag = this.kindTag(kind);
    return {
      partitions: `${tag}:partitions`,
      members: `${tag}:members`,
      beats: `${tag}:beats`,
      versions: `${tag}:versions`,
      channel: `${tag}:members`,
    };
  }

  partition(partition: Partition): PartitionKeys {
    const tag = this.tag(partition);
    return {
      meta: `${tag}:meta`,
      state: `${tag}:state`,
      timers: `${tag}:timers`,
      waiting: `${tag}:waiting`,
      parked: `${tag}:parked`,
      loads: `${tag}:loads`,
      outbox: `${tag}:outbox`,
      dead: `${tag}:dead`,
      senders: `${tag}:senders`,
      wake: `${tag}:wake`,
    };
  }

  /** The list of an actor's messages. Each has a stamp of {@link stampLength} characters before its payload. */
  mailbox(partition: Partition, key: string): string {
    return `${this.tag(partition)}:mail:${key}`;
  }

  /** The beginning of the channels to which the members of a kind listen as long as they live. */
  presence(kind: string): string {
    return `${this.kindTag(kind)}:node:`;
  }

  channel(topic: StateTopic): string {
    if (topic.topic === "members") return this.kind(topic.kind).channel;
    if (topic.topic === "wake") return `${this.tag(topic.partition)}:wake`;
    // Channels are ASCII: see `PubSubConnection`.
    return `${this.tag(topic.partition)}:view:${encodeURIComponent(topic.key)}`;
  }

  /** The tag of a topic. */
  tagOf(topic: StateTopic): string {
    return topic.topic === "members" ? this.kindTag(topic.kind) : this.tag(topic.partition);
  }
}

/** The length of a time in a stamp: the server's time in milliseconds. */
export const timeLength = 13;
/** The length of a message's stamp: its time, a dash, the last 6 digits of its number, and a colon. */
export const stampLength = timeLength + 8;
