import { randomUUID } from "node:crypto";
import { findHandler } from "../../actors/handlers.ts";
import type {
  AskGroupOptions,
  AskOptions,
  GroupAnswers,
  Members,
  Messaging,
  NamedActors,
  SavedMemberships,
  SubmitOptions,
  TrackOptions,
} from "../../actors/index.ts";
import { jsonCopy } from "../../actors/snapshot/json-copy.ts";
import { isPromise } from "../../layers/async-errors.ts";
import type { Message } from "../../layers/message.ts";
import type { Tagged } from "../cluster/tags.ts";
import type { ConsumerClass, LimitSettings } from "../consumer-settings.ts";
import { AskFailedError } from "../errors.ts";
import { limitReached } from "../limits/limit-reached.ts";
import type { CountedLimit } from "../limits/limits.ts";
import type { ActorInbox } from "../mailbox/ask-envelope.ts";
import type { Tracker } from "../presence/presence.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { inSlices } from "../scheduler/slices.ts";
import { ConnectionNamedActors } from "./connection-named-actors.ts";
import { JobsInFlight } from "./jobs-in-flight.ts";

export interface MessagingActor extends Tagged {
  readonly Consumer: ConsumerClass;
  readonly groups: { readonly channel: string };
  readonly isLeaving: boolean;
  readonly inbox: ActorInbox & { jobs: Pick<JobsInFlight, "arrived"> | undefined };
}

type MessagingContext = Pick<
  RuntimeContext,
  "clock" | "cluster" | "counters" | "named" | "scheduler" | "settings" | "workers"
>;

const limitNames = {
  presences: "maxPresencesPerConnection",
  watches: "maxWatchesPerConnection",
  tags: "maxTagsPerConnection",
  jobs: "maxJobsPerConnection",
  asks: "maxAsksPerConnection",
} as const satisfies { readonly [K in keyof LimitSettings]?: CountedLimit };

/** Sends one actor's messages. Also holds the actor's tags, presences and watches until the actor leaves. */
export class ActorMessaging implements Messaging, Tracker {
  readonly #actor: MessagingActor;
  readonly #context: MessagingContext;
  readonly #tracked = new Set<string>();
  readonly #watched = new Set<string>();
  readonly #tags = new Set<string>();
  #jobs: JobsInFlight | undefined;
  #asks = 0;

  constructor(actor: MessagingActor, context: MessagingContext) {
    this.#actor = actor;
    this.#context = context;
  }

  get tags(): Iterable<string> {
    return this.#tags;
  }

  sendTo(channel: string, message: Message): Promise<void> {
    this.#countMessage();
    return this.#context.cluster.send(channel, message);
  }

  async ask(channel: string, message: Message, options: AskOptions): Promise<unknown> {
    if (channel === this.#channel) {
      throw new AskFailedError(
        "An actor cannot ask itself: it handles one message at a time, so it would wait for its own reply.",
      );
    }
    return this.#whileAsking(() => this.#context.cluster.ask(channel, message, options));
  }

  async askGroup(group: string, message: Message, options: AskGroupOptions): Promise<GroupAnswers> {
    return this.#whileAsking(() =>
      this.#context.cluster.askGroup(group, message, this.#withLayer(options), this.#channel),
    );
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
    if (!this.#tracked.has(group)) this.#refuseTooMany("presences", this.#tracked.size);
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
    if (!this.#watched.has(group)) this.#refuseTooMany("watches", this.#watched.size);
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

  /**
   * The job counts until its outcome has arrived. If the outcome goes to another actor, this actor cannot know it, so
   * the job counts until it is queued.
   */
  async submit(channel: string, message: Message, options: SubmitOptions): Promise<string> {
    const { clock, workers } = this.#context;
    const { replyTo = this.#channel } = options;
    this.#jobs ??= new JobsInFlight(clock);
    this.#actor.inbox.jobs = this.#jobs;
    this.#refuseTooMany("jobs", this.#jobs.count);
    const job = randomUUID();
    this.#jobs.add(job);
    this.#countMessage();
    try {
      await workers.submit(channel, message, { ...this.#withLayer(options), replyTo }, job);
    } catch (error) {
      this.#jobs.delete(job);
      throw error;
    }
    if (replyTo !== this.#channel) this.#jobs.delete(job);
    return job;
  }

  named(kind: string): NamedActors {
    return new ConnectionNamedActors(this.#context.named.of(kind), {
      sent: () => this.#countMessage(),
      whileAsking: (ask) => this.#whileAsking(ask),
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

  /** Ends the tags, the watches and the presences without grace. Returns a promise if they are many. */
  leave(): Promise<unknown> | undefined {
    const { presence } = this.#context.cluster;
    const leaving = [
      this.#inSlices(this.#tags, (tag) => this.untag(tag)),
      this.#inSlices(this.#tracked, (group) => {
        if (presence.find(this, group)?.graceMs === 0) this.untrack(group);
      }),
      this.#inSlices(this.#watched, (group) => this.unwatch(group)),
    ].filter(isPromise);
    return leaving.length === 0 ? undefined : Promise.all(leaving);
  }

  /**
   * Starts the grace of the other presences. Before that, the last handlers can still call {@link untrack}. Returns a
   * promise if they are many.
   */
  endPresence(): Promise<void> | undefined {
    return this.#inSlices(this.#tracked, (group) => this.#context.cluster.presence.end(this, group));
  }

  #inSlices(items: ReadonlySet<string>, step: (item: string) => void): Promise<void> | undefined {
    return inSlices(this.#context.scheduler.losses, items, (item) => void step(item));
  }

  #countMessage(): void {
    this.#context.settings.of(this.#actor.Consumer).counts.messagesOut += 1;
  }

  #addTag(tag: string, beganAfter: number): void {
    if (this.#actor.isLeaving) return;
    this.#context.cluster.requireControl("tag");
    if (!this.#tags.has(tag)) this.#refuseTooMany("tags", this.#tags.size);
    this.#context.cluster.tags.add(tag, this.#actor, beganAfter);
    this.#tags.add(tag);
  }

  async #whileAsking<R>(ask: () => Promise<R>): Promise<R> {
    this.#refuseTooMany("asks", this.#asks);
    this.#asks += 1;
    this.#countMessage();
    try {
      return await ask();
    } finally {
      this.#asks -= 1;
    }
  }

  /** @throws {LimitError} if the actor has as many of a resource as it may have. */
  #refuseTooMany(resource: keyof typeof limitNames, count: number): void {
    const { counters, settings } = this.#context;
    const allowed = settings.of(this.#actor.Consumer).limits[resource];
    if (count >= allowed) throw limitReached(counters, limitNames[resource], resource, allowed);
  }

  get #channel(): string {
    return this.#actor.groups.channel;
  }

  #withLayer<T extends { readonly layer?: string }>(options: T): T {
    const layer = options.layer ?? this.#actor.Consumer.layer;
    return layer === undefined ? options : { ...options, layer };
  }
}
