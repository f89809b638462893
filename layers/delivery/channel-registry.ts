import type { Backend } from "../backend.ts";
import { UnknownChannelError } from "../errors.ts";
import type { Inbox } from "../message.ts";
import type { Topics } from "../wire/topics.ts";
import { Group, type Member, type Recipients } from "./group.ts";
import { SmallMap } from "./small-map.ts";
import { Subscription } from "./subscription.ts";

/** Methods for the runtime that owns the layer. They never wait for a server, even during an outage. */
export type LocalChannels = Pick<
  LocalChannelRegistry,
  "add" | "groupCount" | "groupsOf" | "hasGroup" | "isMember" | "leave" | "member" | "membersOf" | "remove"
>;

/** The channels of one node, and their groups. Both exist only in memory. */
export class LocalChannelRegistry implements Recipients {
  readonly #node: string;
  readonly #topics: Topics;
  readonly #backend: Backend;
  readonly #onError: (error: unknown) => void;
  readonly #members = new Map<string, Member>();
  readonly #groups = new Map<string, Group>();
  /** The subscription to the topic of this node's channels. Never released. */
  readonly #subscription: Subscription;
  #lastNumber = 0;

  constructor(node: string, topics: Topics, backend: Backend, onError: (error: unknown) => void) {
    this.#node = node;
    this.#topics = topics;
    this.#backend = backend;
    this.#onError = onError;
    this.#subscription = new Subscription(backend, topics.node(node), () => {}, onError);
  }

  /** Subscribes to the topic of this node's channels. Returns undefined if already subscribed. */
  listen(): Promise<void> | undefined {
    return this.#subscription.acquire();
  }

  /** Creates a channel. The channel receives messages from other nodes once {@link listen} has resolved. */
  add(inbox: Inbox): Member {
    this.#lastNumber += 1;
    const member = {
      channel: `${this.#node}!${this.#lastNumber.toString(36)}`,
      inbox,
      joins: new SmallMap<Group, Promise<void> | number>(),
    };
    this.#members.set(member.channel, member);
    return member;
  }

  member(channel: string): Member | undefined {
    return this.#members.get(channel);
  }

  /** @throws {UnknownChannelError} for a channel that this node has not created or has deleted. */
  require(channel: string): Member {
    const member = this.#members.get(channel);
    if (member !== undefined) return member;
    throw new UnknownChannelError(
      `"${channel}" is not a channel of this node. A node can add only its own channels to a group.`,
    );
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  get lastJoin(): number {
    return this.#lastNumber;
  }

  members(): IterableIterator<Member> {
    return this.#members.values();
  }

  joinNumber({ channel }: Member): number {
    return Number.parseInt(channel.slice(this.#node.length + 1), 36);
  }

  membersOf(group: string): Iterable<Member> {
    return this.groupAt(this.#topics.group(group))?.members() ?? [];
  }

  groupsOf(channel: string): string[] {
    const groups = this.#members.get(channel)?.joins.keys() ?? [];
    return groups.map(({ name }) => name);
  }

  /** The number of groups with members on this node, including those that a channel joins now. */
  get groupCount(): number {
    return this.#groups.size;
  }

  hasGroup(group: string): boolean {
    return this.#groups.has(this.#topics.group(group));
  }

  /** Whether `channel` is in `group`, or joins it now. */
  isMember(channel: string, name: string): boolean {
    const group = this.groupAt(this.#topics.group(name));
    return group !== undefined && this.#members.get(channel)?.joins.get(group) !== undefined;
  }

  /** Whether `channel` has the form of this node's channel names. The channel need not exist. */
  owns(channel: string): boolean {
    return channel.startsWith(`${this.#node}!`);
  }

  /** Deletes a channel immediately. Returns undefined if no group has to be unsubscribed. */
  remove(channel: string): Promise<void> | undefined {
    const member = this.#members.get(channel);
    if (member === undefined) return undefined;
    this.#members.delete(channel);
    member.inbox.channelEnded?.();
    const leaving = member.joins.keys().flatMap((group) => group.leave(member) ?? []);
    return leaving.length === 0 ? undefined : Promise.all(leaving).then(() => {});
  }

  /** Removes all current channels, as {@link remove} does. Channels added after the call remain. */
  async flush(): Promise<void> {
    await Promise.all([...this.#members.keys()].map((channel) => this.remove(channel)));
  }

  /** See {@link Group.join}. */
  join(name: string, member: Member, onEnter?: () => void): Promise<void> | undefined {
    const topic = this.#topics.group(name);
    const group = this.#groups.get(topic) ?? this.#makeGroup(name, topic);
    return group.join(member, onEnter);
  }

  /** Removes `member` from a group immediately. Returns undefined if the group does not have to be unsubscribed. */
  leave(name: string, member: Member): Promise<void> | undefined {
    return this.groupAt(this.#topics.group(name))?.leave(member);
  }

  groupAt(topic: string): Group | undefined {
    return this.#groups.get(topic);
  }

  /** Removes all channels and groups immediately. A fan-out that is under way delivers nothing more. */
  clear(): void {
    for (const group of this.#groups.values()) group.clear();
    const members = [...this.#members.values()];
    this.#members.clear();
    this.#groups.clear();
    for (const { inbox } of members) inbox.channelEnded?.();
  }

  #makeGroup(name: string, topic: string): Group {
    const forget = () => void this.#groups.delete(topic);
    const group = new Group(name, new Subscription(this.#backend, topic, forget, this.#onError));
    this.#groups.set(topic, group);
    return group;
  }
}
