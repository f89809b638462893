import type {
  AskGroupOptions,
  AskOptions,
  GroupAnswers,
  Members,
  SubmitOptions,
  Tally,
} from "../actors/index.ts";
import type { Message } from "../layers/message.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { Worker, WorkerOptions, Workers, WorkHandler } from "./cluster/job-workers.ts";

/**
 * What a runtime can do with actors anywhere: on this node, and on those that share its control layer.
 *
 * What is about actors of this node works without the layer. What is about others rejects with `LayerUnavailableError` while
 * the layer's server cannot be reached.
 */
export abstract class ClusterApi {
  readonly #cluster: Cluster;
  readonly #workers: Workers;

  constructor(cluster: Cluster, workers: Workers) {
    this.#cluster = cluster;
    this.#workers = workers;
  }

  /** This node's id among those that share its control layer. */
  get node(): string {
    return this.#cluster.id;
  }

  /** The ids of the nodes that are known to live, this one first. */
  get nodes(): readonly string[] {
    return this.#cluster.ids;
  }

  /**
   * Delivers a message to one actor, on whatever node it is, at most once. One sender's messages stay in order. For an
   * actor that has stopped it is counted as a dead letter, on the node where that is known.
   *
   * @param channel `channel` of a consumer or of an {@link ActorRef}
   * @throws {InvalidNameError} for what is no actor's channel, or the one of a node itself.
   * @throws {InvalidMessageError}
   */
  send(channel: string, message: Message): Promise<void> {
    return this.#cluster.send(channel, message);
  }

  /**
   * Sends a message to one actor, on whatever node it is, and gives what its handler returned: any value that a message can
   * hold, deep-frozen.
   *
   * @throws {AskTimeoutError} if it has not answered in time. What it does meanwhile it does all the same.
   * @throws {NoSuchActorError} at once if the channel's node does not have it, or goes meanwhile; when the time is over, if
   *   no node that could have it is known.
   * @throws {AskFailedError} if its handler failed, if the message was dropped before it was handled, or if what was
   *   returned cannot be sent.
   * @throws {RuntimeClosedError} once the runtime closes.
   */
  ask<R = unknown>(channel: string, message: Message, options: AskOptions = {}): Promise<R> {
    return this.#cluster.ask(channel, message, options) as Promise<R>;
  }

  /**
   * Asks all members of a group, on every node. Each node answers once for those it has, with what there is shortly before
   * the time is over.
   *
   * @throws {UnknownLayerError} if it is not clear on which layer the group is.
   */
  askGroup(group: string, message: Message, options: AskGroupOptions = {}): Promise<GroupAnswers> {
    return this.#cluster.askGroup(group, message, options);
  }

  /**
   * Closes the connections of all actors with a tag, on every node, and says how many they were. Who is still connecting is
   * refused with 503.
   *
   * @throws {CloseError} if the code or the reason cannot go on the wire.
   * @throws {LayerUnavailableError} if the other nodes cannot be told. Here it is done all the same.
   */
  disconnect(tag: string, code = 1000, reason = "", options: AskOptions = {}): Promise<Tally> {
    return this.#cluster.disconnect(tag, code, reason, options);
  }

  /**
   * Who is present in a group, by `track` of a consumer, on all nodes: as far as it is known here, without asking anybody.
   * A node that dies takes its members along within three of its beats.
   */
  presence<M = unknown>(group: string): Members<M> {
    return this.#cluster.presence.list(group) as Members<M>;
  }

  /** How many keys are present in a group, as far as it is known here. */
  presenceCount(group: string): number {
    return this.#cluster.presence.count(group);
  }

  /** How many actors have a tag, on all nodes. */
  count(tag: string, options: AskOptions = {}): Promise<Tally> {
    return this.#cluster.count(tag, options);
  }

  /**
   * Does the jobs of a named channel, here and wherever else it has workers: each goes to one of them at a time, at least
   * once. It needs no socket and no actor. The runtime closes it before its layers, and waits for the jobs that run.
   *
   * @throws {UnknownLayerError} if it is not clear on which layer the channel is.
   * @throws {UnsupportedError} where that layer has no queues.
   * @throws {TypeError} for a handler that is no function.
   * @throws as {@link ChannelLayer.consume} does.
   *
   * @example
   * await runtime.worker("thumbnails", async ({ path }, { signal, progress }) => {
   *   progress("half way");
   *   return { url: await shrink(path, signal) };
   * });
   */
  worker<T extends Message = Message>(
    channel: string,
    handler: WorkHandler<T>,
    options: WorkerOptions = {},
  ): Promise<Worker> {
    return this.#workers.start(channel, handler as WorkHandler, options);
  }

  /**
   * Gives the workers of a channel something to do. If there is a `replyTo`, the actor with that channel hears of it in
   * {@link JobMessages}.
   *
   * @returns the job's id, once the job is in the queue
   * @throws {InvalidNameError} for a `replyTo` that is no actor's channel.
   * @throws as {@link ChannelLayer.send} does for a named channel.
   */
  submit(channel: string, message: Message, options: SubmitOptions = {}): Promise<string> {
    return this.#workers.submit(channel, message, options);
  }
}
