import type { Message } from "../layers/message.ts";
import type { ConsumerContext } from "./consumer-context.ts";
import type {
  AskGroupOptions,
  AskOptions,
  GroupAnswers,
  Members,
  SubmitOptions,
  TrackOptions,
} from "./messaging.ts";

/** What every consumer can do with actors anywhere: on this node, and on those that share its control layer. */
export abstract class Addressable {
  readonly #context: ConsumerContext;

  constructor(context: ConsumerContext) {
    this.#context = context;
  }

  /** Sends a message to an actor, on whatever node it is, at most once. @throws as {@link Runtime.send} does. */
  sendTo(channel: string, message: Message): Promise<void> {
    return this.#context.messaging.sendTo(channel, message);
  }

  /**
   * Asks an actor, on whatever node it is, and gives what its handler returned. While a handler awaits this, nothing else is
   * handled here: two actors that ask each other from their handlers wait until the time is over.
   *
   * @throws {AskFailedError} if the actor is this one, too. Otherwise as {@link Runtime.ask} does.
   */
  ask<R = unknown>(channel: string, message: Message, options: AskOptions = {}): Promise<R> {
    return this.#context.messaging.ask(channel, message, options) as Promise<R>;
  }

  /** Asks all members of a group, on every node, but for this actor. @throws as {@link Runtime.askGroup} does. */
  askGroup(group: string, message: Message, options: AskGroupOptions = {}): Promise<GroupAnswers> {
    return this.#context.messaging.askGroup(group, message, options);
  }

  /**
   * Gives this actor a name that it may share with others, `user.42` say, until it ends: by it connections are counted and
   * disconnected on every node. On a connection that is on its way out it does nothing.
   *
   * @throws {InvalidNameError} unless the name could be that of a group.
   */
  tag(tag: string): void {
    this.#context.messaging.tag(tag);
  }

  /** Takes a name away. One that it does not have is fine. */
  untag(tag: string): void {
    this.#context.messaging.untag(tag);
  }

  /**
   * Makes this actor present in a group, which it need not have joined, until it ends: every node soon knows. Called again, it
   * replaces what was said before. If the consumer handles `presence_diff`, it gets a {@link PresenceDiff} whenever
   * somebody comes or goes, itself included. On a connection that is on its way out it does nothing.
   *
   * @param meta what others are to know: plain values, at most 64 KiB encoded
   * @throws {InvalidNameError}
   * @throws {InvalidMessageError} for a meta that no message can hold.
   * @throws {RangeError} for a key that is no text of 1 to 256 characters.
   */
  track(group: string, meta: unknown = {}, options: TrackOptions = {}): void {
    this.#context.messaging.track(group, meta, options);
  }

  /** Ends being present in a group. Where it is not, that is fine. */
  untrack(group: string): void {
    this.#context.messaging.untrack(group);
  }

  /**
   * Lets this actor hear who comes to a group and who goes, without being present in it: it gets a {@link PresenceDiff} for
   * each change from now on. Who is there now, {@link presence} says. On a connection that is on its way out it does nothing.
   *
   * @throws {InvalidNameError}
   *
   * @example
   * this.watch("lobby");
   * this.sendJson([...this.presence("lobby").keys()]); // and then what `presence_diff` brings
   */
  watch(group: string): void {
    this.#context.messaging.watch(group);
  }

  /** Ends watching a group. Where it does not, that is fine. */
  unwatch(group: string): void {
    this.#context.messaging.unwatch(group);
  }

  /**
   * Gives the workers of a channel something to do. This actor hears of it in {@link JobMessages}, from whatever process.
   *
   * @returns the job's id, once the job is in the queue
   * @throws as {@link ChannelLayer.send} does for a named channel.
   */
  submit(channel: string, message: Message, options: SubmitOptions = {}): Promise<string> {
    return this.#context.messaging.submit(channel, message, options);
  }

  /** Who is present in a group, on all nodes, as far as it is known here. */
  presence<M = unknown>(group: string): Members<M> {
    return this.#context.messaging.presence(group) as Members<M>;
  }
}
