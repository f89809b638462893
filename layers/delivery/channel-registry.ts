import type { Backend } from "../backend.ts";
import { UnknownChannelError } from "../errors.ts";
import type { Inbox } from "../message.ts";
import type { Topics } from "../wire/topics.ts";
import { Group, type Member } from "./group.ts";
import type { LocalChannels } from "./local-channels.ts";
import type { Recipients } from "./round.ts";
import { SmallMap } from "./small-map.ts";
import { Subscription } from "./subscription.ts";

/** The channels of one node, and the groups that they are in. It dies with the node: nothing expires, no ghost stays. */
export class LocalChannelRegistry implements LocalChannels, Recipients<Member> {
  readonly #node: string;
  readonly #topics: Topics;
  readonly #backend: Backend;
  readonly #onError: (error: unknown) => void;
  readonly #members = new Map<string, Member>();
  readonly #groups = new Map<string, Group>();
  #lastNumber = 0;
  #listening: Promise<void> | undefined;
  #isListening = false;

  constructor(node: string, topics: Topics, backend: Backend, onError: (error: unknown) => void) {
    this.#node = node;
    this.#topics = topics;
    this.#backend = backend;
    this.#onError = onError;
  }

  /** Subscribes the topic of this node's channels, once; again after it has failed. Undefined if it is subscribed. */
  listen(): Promise<void> | undefined {
    if (this.#isListening) return undefined;
    this.#listening ??= this.#backend.subscribe(this.#topics.node(this.#node)).then(
      () => {
        this.#isListening = true;
      },
      (error: unknown) => {
        this.#listening = undefined;
        throw error;
      },
    );
    return this.#listening;
  }

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

  /** @throws {UnknownChannelError} for a channel that this node has not made or has deleted. */
  known(channel: string): Member {
    const member = this.#members.get(channel);
    if (member !== undefined) return member;
    throw new UnknownChannelError(`"${channel}" is no channel of this node: only those can join a group.`);
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
    return this.#groups.get(this.#topics.group(group))?.members() ?? [];
  }

  groupsOf(channel: string): string[] {
    return (
      this.#members
        .get(channel)
        ?.joins.keys()
        .map(({ name }) => name) ?? []
    );
  }

  /** Whether `channel` has the form of the names that this node gives, be it still there or not. */
  owns(channel: string): boolean {
    return channel.startsWith(`${this.#node}!`);
  }

  /** Resolves once the groups that it was the last member of are unsubscribed; undefined if there are none. */
  remove(channel: string): Promise<void> | undefined {
    const member = this.#members.get(channel);
    if (member === undefined) return undefined;
    this.#members.delete(channel);
    const leaving = member.joins.keys().flatMap((group) => group.leave(member) ?? []);
    return leaving.length === 0 ? undefined : Promise.all(leaving).then(() => {});
  }

  /**
   * Forgets all members at once, as {@link remove} would each. Those that are added while this is under way stay, and
   * no name is given a second time.
   */
  async flush(): Promise<void> {
    await Promise.all([...this.#members.keys()].map((channel) => this.remove(channel)));
  }

  /** Puts `member` into the group of that name, which is made if nobody of this node is in it. */
  join(name: string, member: Member): Promise<void> | undefined {
    const topic = this.#topics.group(name);
    const group = this.#groups.get(topic) ?? this.#makeGroup(name, topic);
    return group.join(member);
  }

  leave(name: string, member: Member): Promise<void> | undefined {
    return this.groupAt(this.#topics.group(name))?.leave(member);
  }

  groupAt(topic: string): Group | undefined {
    return this.#groups.get(topic);
  }

  /** From this call on nobody gets anything, also in the middle of it. */
  clear(): void {
    for (const group of this.#groups.values()) group.clear();
    this.#members.clear();
    this.#groups.clear();
  }

  #makeGroup(name: string, topic: string): Group {
    const forget = () => {
      this.#groups.delete(topic);
    };
    const group = new Group(name, new Subscription(this.#backend, topic, forget, this.#onError));
    this.#groups.set(topic, group);
    return group;
  }
}
