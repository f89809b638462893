import type { AnyMessage, Carried } from "../layers/carried.ts";
import type { ChannelLayer } from "../layers/channel-layer.ts";
import type { AnyMessages, Message } from "../layers/message.ts";
import type { AskOptions } from "./ask-options.ts";
import type { ConsumerContext } from "./consumer-context.ts";
import type { AskGroupOptions, GroupAnswers, Members, SubmitOptions, TrackOptions } from "./messaging.ts";
import type { NamedActors } from "./named-actor.ts";

/** The operations of all consumers, with any frames: groups, other actors, tags, presence, jobs and timers. */
export abstract class ActorOperations {
  readonly #context: ConsumerContext;

  /** Called by the runtime. A subclass that declares a constructor must pass `context` to `super`. */
  constructor(context: ConsumerContext) {
    this.#context = context;
  }

  /** This actor's address on the consumer's layer; without one, on the control layer. Valid on all nodes. */
  get channel(): string {
    return this.#context.groups.channel;
  }

  /** Aborted when the connection ends, before `disconnect` runs. Pass the signal to calls that you await. */
  get signal(): AbortSignal {
    return this.#context.signal;
  }

  /** All layers of the runtime, by alias. */
  get layers(): Readonly<Record<string, ChannelLayer>> {
    return this.#context.runtime.layers;
  }

  /**
   * Joins a group. Messages that are sent to the group after the promise has resolved are delivered to this
   * actor. Joining the same group again adds no second membership. Does nothing on a closing connection.
   *
   * @throws {UnknownLayerError} if the consumer names no layer.
   * @throws {InvalidNameError} if the name is invalid (see {@link ChannelLayer}) or begins with `greenroom.`.
   * @throws {LayerUnavailableError} if the layer's server does not answer.
   * @throws {LimitError} if the actor is in `maxGroupsPerConnection` groups, or the node has `maxGroups` groups. A join
   *   that is pending counts.
   */
  groupAdd(group: string): Promise<void> {
    return this.#context.groups.groupAdd(group);
  }

  /** Leaves a group immediately. Messages to the group that already wait in the mailbox are still handled. */
  groupDiscard(group: string): Promise<void> {
    return this.#context.groups.groupDiscard(group);
  }

  /** Sends a message to an actor on any node, at most once. @throws as {@link Runtime.send} does. */
  sendTo<M extends AnyMessage>(channel: string, message: M & Carried<M>): Promise<void> {
    return this.#context.messaging.sendTo(channel, message as Message);
  }

  /**
   * Asks an actor on any node, and resolves with the return value of that actor's handler. A handler that
   * awaits the reply blocks this actor. If two actors await each other's replies, both time out.
   *
   * In a call with a type argument, such as `ask<number>(…)`, the compiler does not check the parts of the message.
   *
   * @throws {AskFailedError} if `channel` is this actor's own channel.
   * @throws {LimitError} if this actor has `maxAsksPerConnection` unanswered asks.
   * @throws as {@link Runtime.ask} does.
   */
  ask<R = unknown, M extends AnyMessage = Message>(
    channel: string,
    message: M & Carried<M>,
    options: AskOptions = {},
  ): Promise<R> {
    return this.#context.messaging.ask(channel, message as Message, options) as Promise<R>;
  }

  /**
   * Asks all other members of a group, on every node.
   *
   * @throws {LimitError} if this actor has `maxAsksPerConnection` unanswered asks.
   * @throws as {@link Runtime.askGroup} does.
   */
  askGroup<M extends AnyMessage>(
    group: string,
    message: M & Carried<M>,
    options: AskGroupOptions = {},
  ): Promise<GroupAnswers> {
    return this.#context.messaging.askGroup(group, message as Message, options);
  }

  /**
   * Adds a tag, such as `user.42`, to this actor until the actor ends. Actors may share a tag. The runtime
   * can count and disconnect the actors with a tag on all nodes. Does nothing on a closing connection. If the
   * runtime has just disconnected the tag, after this connection began, this connection closes instead.
   *
   * @throws {InvalidNameError} unless the tag is a valid group name.
   * @throws {LimitError} if the actor has `maxTagsPerConnection` tags.
   * @throws {NoControlLayerError} if the runtime has several layers, and no `control`: see {@link Runtime}.
   */
  tag(tag: string): void {
    this.#context.messaging.tag(tag);
  }

  /** Removes a tag, if this actor has it. */
  untag(tag: string): void {
    this.#context.messaging.untag(tag);
  }

  /**
   * Makes this actor present in a group until the actor ends, even if the actor is not a member of the group.
   * Other nodes are informed asynchronously. Another call replaces the meta. Does nothing on a closing
   * connection.
   *
   * If the consumer handles `presence_diff`, this actor receives a {@link PresenceDiff} whenever a member
   * (including this one) joins, leaves or changes. With `graceMs`, a member that returns soon is not absent.
   *
   * @param meta data that other members see: plain values, at most 64 KiB encoded
   * @throws {InvalidNameError} if the name of the group is invalid.
   * @throws {InvalidMessageError} if a message cannot hold the meta.
   * @throws {InvalidOptionError} if the key is not a string of 1 to 256 characters, or `graceMs` is not an
   *   integer from 0 to 3,600,000.
   * @throws {LimitError} if the actor is present in `maxPresencesPerConnection` groups.
   * @throws {NoControlLayerError} if the runtime has several layers, and no `control`: see {@link Runtime}.
   */
  track(group: string, meta: unknown = {}, options: TrackOptions = {}): void {
    this.#context.messaging.track(group, meta, options);
  }

  /** Ends this actor's presence in a group at once, without grace. {@link disconnect} can still call this. */
  untrack(group: string): void {
    this.#context.messaging.untrack(group);
  }

  /**
   * Watches the presence in a group without being present. This actor receives a {@link PresenceDiff} for
   * each later change. {@link presence} returns the current members. Does nothing on a closing connection.
   *
   * @throws {InvalidNameError} if the name of the group is invalid.
   * @throws {LimitError} if the actor watches `maxWatchesPerConnection` groups.
   * @throws {NoControlLayerError} if the runtime has several layers, and no `control`: see {@link Runtime}.
   *
   * @example
   * this.watch("lobby");
   * this.sendJson([...this.presence("lobby").keys()]); // later changes arrive as `presence_diff`
   */
  watch(group: string): void {
    this.#context.messaging.watch(group);
  }

  /** Stops watching a group, if this actor watches it. */
  unwatch(group: string): void {
    this.#context.messaging.unwatch(group);
  }

  /**
   * Submits a job to the workers of a channel, which may run in any process. This actor receives the
   * {@link JobMessages} of the job.
   *
   * The job counts towards `maxJobsPerConnection` until its `job_done` or `job_failed` has arrived, but for at most ten
   * minutes. If `replyTo` is another actor, the job counts until it is queued.
   *
   * @returns the job's id, once the job is in the queue
   * @throws {LimitError} if `maxJobsPerConnection` jobs of this actor have not ended.
   * @throws as {@link ChannelLayer.send} does for a named channel.
   */
  submit<M extends AnyMessage>(
    channel: string,
    message: M & Carried<M>,
    options: SubmitOptions = {},
  ): Promise<string> {
    return this.#context.messaging.submit(channel, message as Message, options);
  }

  /**
   * The named actors of a kind, on any node. An `ask` counts towards `maxAsksPerConnection` of this actor until it
   * settles, and rejects with a {@link LimitError} if that limit is reached. A handler that awaits the answer blocks
   * this actor.
   *
   * Only the compiler knows the type parameters. So declare both types once, beside the machine of the kind.
   *
   * @typeParam M the messages of the actors, as `{ type: payload }`
   * @typeParam V the views of the actors
   * @throws {NamedKindError} if this process has not called `runtime.named` for the kind.
   *
   * @example
   * const lot = this.named<LotMessages, LotView>("lot").get(this.scope.params.lot);
   * const accepted = await lot.ask<boolean>({ type: "bid", by: this.scope.user.name, amount: 500 });
   */
  named<M = AnyMessages, V = unknown>(kind: string): NamedActors<M, V> {
    return this.#context.messaging.named(kind) as NamedActors<M, V>;
  }

  /** The members present in a group on all nodes, as far as this node knows. */
  presence<M = unknown>(group: string): Members<M> {
    return this.#context.messaging.presence(group) as Members<M>;
  }

  /**
   * Calls `callback` every `ms` milliseconds of the runtime's clock, until the connection ends, the consumer
   * is replaced after a failure, or the returned function is called. Does nothing on a closing connection, and
   * in a consumer that was replaced.
   *
   * A call waits in the mailbox like a message, so it never runs beside another method of this consumer. The
   * runtime awaits a returned promise before the next frame or message. An error counts as a failure of the
   * actor, with the stage `timer`. The next period begins when a call begins, so calls do not pile up behind
   * a slow method.
   *
   * @param ms an integer from 1 to 2,147,483,647
   * @returns a function that cancels the timer, also while a call waits in the mailbox
   * @throws {InvalidOptionError} if `ms` is out of range.
   * @throws {TypeError} unless `callback` is a function.
   * @throws {TooManyTimersError} if this actor has 1,000 timers already.
   *
   * @example
   * const stop = this.every(1_000, () => this.sendJson({ time: Date.now() }));
   */
  every(ms: number, callback: () => unknown): () => void {
    return this.#context.timersOf(this).every(ms, callback);
  }

  /**
   * Calls `callback` once, after `ms` milliseconds of the runtime's clock. Otherwise like {@link every}.
   *
   * @param ms an integer from 0 to 2,147,483,647
   * @returns a function that cancels the timer
   * @throws the same errors as {@link every}.
   */
  after(ms: number, callback: () => unknown): () => void {
    return this.#context.timersOf(this).after(ms, callback);
  }
}
