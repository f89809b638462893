import { findHandler } from "../../actors/handlers.ts";
import type {
  AskGroupOptions,
  AskOptions,
  GroupAnswers,
  Members,
  Messaging,
  SubmitOptions,
  TrackOptions,
} from "../../actors/index.ts";
import type { Message } from "../../layers/message.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { JobWorkers } from "../cluster/job-workers.ts";
import type { Tagged } from "../cluster/tags.ts";
import type { ConsumerClass } from "../consumer-class.ts";
import { AskFailedError } from "../errors.ts";
import type { ActorInbox } from "../mailbox/ask-envelope.ts";
import type { Tracker } from "../presence/presence.ts";

/** The actor whose reach it is. */
export interface MessagingOwner extends Tagged {
  readonly groups: { readonly channel: string };
  readonly isLeaving: boolean;
  readonly inbox: ActorInbox;
}

/** One actor's place among all: whom it asks, and what it is known by. What it holds goes with the actor. */
export class ActorMessaging implements Messaging, Tracker {
  readonly #cluster: Cluster;
  readonly #workers: JobWorkers;
  readonly #owner: MessagingOwner;
  readonly #Consumer: ConsumerClass;
  readonly #tracked = new Set<string>();
  readonly #watched = new Set<string>();
  readonly #tags = new Set<string>();

  constructor(cluster: Cluster, workers: JobWorkers, owner: MessagingOwner, Consumer: ConsumerClass) {
    this.#cluster = cluster;
    this.#workers = workers;
    this.#owner = owner;
    this.#Consumer = Consumer;
  }

  get tags(): Iterable<string> {
    return this.#tags;
  }

  sendTo(channel: string, message: Message): Promise<void> {
    return this.#cluster.send(channel, message);
  }

  async ask(channel: string, message: Message, options: AskOptions): Promise<unknown> {
    if (channel === this.#owner.groups.channel) {
      throw new AskFailedError(
        "An actor cannot ask itself: it handles one thing at a time, so it would wait for itself.",
      );
    }
    return this.#cluster.ask(channel, message, options);
  }

  async askGroup(group: string, message: Message, options: AskGroupOptions): Promise<GroupAnswers> {
    const layer = options.layer ?? this.#Consumer.layer;
    const chosen = layer === undefined ? options : { ...options, layer };
    return this.#cluster.askGroup(group, message, chosen, this.#owner.groups.channel);
  }

  tag(tag: string): void {
    if (this.#owner.isLeaving) return;
    this.#cluster.tags.add(tag, this.#owner);
    this.#tags.add(tag);
  }

  untag(tag: string): void {
    this.#cluster.tags.remove(tag, this.#owner);
    this.#tags.delete(tag);
  }

  track(group: string, meta: unknown, { key = this.#owner.groups.channel }: TrackOptions): void {
    if (this.#owner.isLeaving) return;
    this.#cluster.presence.track(this, group, key, meta);
    this.#tracked.add(group);
  }

  untrack(group: string): void {
    this.#cluster.presence.untrack(this, group);
    this.#tracked.delete(group);
  }

  watch(group: string): void {
    if (this.#owner.isLeaving) return;
    this.#cluster.presence.watch(this, group);
    this.#watched.add(group);
  }

  unwatch(group: string): void {
    this.#cluster.presence.unwatch(this, group);
    this.#watched.delete(group);
  }

  presence(group: string): Members {
    return this.#cluster.presence.list(group);
  }

  submit(channel: string, message: Message, options: SubmitOptions): Promise<string> {
    const layer = options.layer ?? this.#Consumer.layer;
    const replyTo = options.replyTo ?? this.#owner.groups.channel;
    return this.#workers.submit(channel, message, { replyTo, ...(layer !== undefined && { layer }) });
  }

  presenceChanged(diff: Message): void {
    if (findHandler(this.#Consumer.on, diff.type) !== undefined)
      this.#cluster.delivery.enqueue(this.#owner.inbox, diff);
  }

  /** The actor is on its way out: nobody knows it any more. */
  leave(): void {
    for (const tag of this.#tags) this.#cluster.tags.remove(tag, this.#owner);
    this.#tags.clear();
    for (const group of this.#tracked) this.#cluster.presence.untrack(this, group);
    this.#tracked.clear();
    for (const group of this.#watched) this.#cluster.presence.unwatch(this, group);
    this.#watched.clear();
  }
}
