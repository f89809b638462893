import { findHandler } from "../../actors/handlers.ts";
import type {
  AskGroupOptions,
  AskOptions,
  GroupAnswers,
  Members,
  Messaging,
  SavedMemberships,
  SubmitOptions,
  TrackOptions,
} from "../../actors/index.ts";
import { jsonCopy } from "../../actors/snapshot/json-copy.ts";
import type { Message } from "../../layers/message.ts";
import type { Tagged } from "../cluster/tags.ts";
import type { ConsumerClass } from "../consumer-settings.ts";
import { AskFailedError } from "../errors.ts";
import type { ActorInbox } from "../mailbox/ask-envelope.ts";
import type { Tracker } from "../presence/presence.ts";
import type { RuntimeContext } from "../runtime-context.ts";

export interface MessagingActor extends Tagged {
  readonly Consumer: ConsumerClass;
  readonly groups: { readonly channel: string };
  readonly isLeaving: boolean;
  readonly inbox: ActorInbox;
}

/** Sends one actor's messages. Also holds the actor's tags, presences and watches until the actor leaves. */
export class ActorMessaging implements Messaging, Tracker {
  readonly #actor: MessagingActor;
  readonly #context: Pick<RuntimeContext, "cluster" | "workers">;
  readonly #tracked = new Set<string>();
  readonly #watched = new Set<string>();
  readonly #tags = new Set<string>();

  constructor(actor: MessagingActor, context: Pick<RuntimeContext, "cluster" | "workers">) {
    this.#actor = actor;
    this.#context = context;
  }

  get tags(): Iterable<string> {
    return this.#tags;
  }

  sendTo(channel: string, message: Message): Promise<void> {
    return this.#context.cluster.send(channel, message);
  }

  async ask(channel: string, message: Message, options: AskOptions): Promise<unknown> {
    if (channel === this.#channel) {
      throw new AskFailedError(
        "An actor cannot ask itself: it handles one message at a time, so it would wait for its own reply.",
      );
    }
    return this.#context.cluster.ask(channel, message, options);
  }

  async askGroup(group: string, message: Message, options: AskGroupOptions): Promise<GroupAnswers> {
    return this.#context.cluster.askGroup(group, message, this.#withLayer(options), this.#channel);
  }

  tag(tag: string): void {
    this.#addTag(tag, this.#actor.beganAfter);
  }

  restoreTag(tag: string): void {
    this.#addTag(tag, 0);
  }

  untag(tag: string): void {
    this.#context.cluster.tags.remove(tag, this.#actor);
    this.#tags.delete(tag);
  }

  track(group: string, meta: unknown, { key = this.#channel, graceMs }: TrackOptions): void {
    if (this.#actor.isLeaving) return;
    this.#context.cluster.requireControl("track");
    this.#context.cluster.presence.track(this, group, key, meta, graceMs);
    this.#tracked.add(group);
  }

  untrack(group: string): void {
    this.#context.cluster.presence.untrack(this, group);
    this.#tracked.delete(group);
  }

  watch(group: string): void {
    if (this.#actor.isLeaving) return;
    this.#context.cluster.requireControl("watch");
    this.#context.cluster.presence.watch(this, group);
    this.#watched.add(group);
  }

  unwatch(group: string): void {
    this.#context.cluster.presence.unwatch(this, group);
    this.#watched.delete(group);
  }

  presence(group: string): Members {
    this.#context.cluster.requireControl("presence");
    return this.#context.cluster.presence.list(group);
  }

  submit(channel: string, message: Message, options: SubmitOptions): Promise<string> {
    return this.#context.workers.submit(channel, message, {
      ...this.#withLayer(options),
      replyTo: options.replyTo ?? this.#channel,
    });
  }

  presenceChanged(diff: Message): void {
    const { Consumer, inbox, isLeaving } = this.#actor;
    if (!isLeaving && findHandler(Consumer.on, diff.type) !== undefined)
      this.#context.cluster.delivery.enqueue(inbox, diff);
  }

  /** @throws {SnapshotError} if a meta holds a value that JSON cannot hold, such as bytes. */
  save(): Omit<SavedMemberships, "groups"> {
    const presence = [...this.#tracked].flatMap((group) => {
      const entry = this.#context.cluster.presence.find(this, group);
      if (entry === undefined) return [];
      const meta = jsonCopy(entry.meta, `presence[${JSON.stringify(group)}].meta`);
      const { key, graceMs } = entry;
      return { group, meta, ...(key !== this.#channel && { key }), ...(graceMs > 0 && { graceMs }) };
    });
    return { tags: [...this.#tags], presence, watches: [...this.#watched] };
  }

  /** Ends the tags, the watches and the presences without grace. */
  leave(): void {
    const { presence } = this.#context.cluster;
    for (const tag of this.#tags) this.untag(tag);
    for (const group of this.#tracked) if (presence.find(this, group)?.graceMs === 0) this.untrack(group);
    for (const group of this.#watched) this.unwatch(group);
  }

  /** Starts the grace of the other presences. Before that, the last handlers can still call {@link untrack}. */
  endPresence(): void {
    for (const group of this.#tracked) this.#context.cluster.presence.end(this, group);
  }

  #addTag(tag: string, beganAfter: number): void {
    if (this.#actor.isLeaving) return;
    this.#context.cluster.requireControl("tag");
    this.#context.cluster.tags.add(tag, this.#actor, beganAfter);
    this.#tags.add(tag);
  }

  get #channel(): string {
    return this.#actor.groups.channel;
  }

  #withLayer<T extends { readonly layer?: string }>(options: T): T {
    const layer = options.layer ?? this.#actor.Consumer.layer;
    return layer === undefined ? options : { ...options, layer };
  }
}
