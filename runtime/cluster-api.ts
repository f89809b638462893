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
import type { JobWorker, JobWorkerOptions, JobWorkers, WorkHandler } from "./cluster/job-workers.ts";

/**
 * What a runtime can do with actors on any node that shares its control layer.
 *
 * Actors of this node can be reached without the layer. A method that concerns other nodes rejects with
 * `LayerUnavailableError` while the layer's server cannot be reached.
 */
export abstract class ClusterApi {
  readonly #cluster: Cluster;
  readonly #workers: JobWorkers;

  constructor(cluster: Cluster, workers: JobWorkers) {
    this.#cluster = cluster;
    this.#workers = workers;
  }

  /** This node's id among those that share its control layer. */
  get node(): string {
    return this.#cluster.id;
  }

  /** The ids of all nodes that are known to be alive, this one first. */
  get nodes(): readonly string[] {
    return this.#cluster.ids;
  }

  /**
   * Delivers a message to one actor on any node, at most once. One sender's messages stay in order. A message for an actor
   * that has stopped is counted as a dead letter, on the node that knows.
   *
   * @param channel `channel` of a consumer or of an {@link ActorRef}
   * @throws {InvalidNameError} unless it is the channel of an actor.
   * @throws {InvalidMessageError}
   */
  send(channel: string, message: Message): Promise<void> {
    return this.#cluster.send(channel, message);
  }

  /**
   * Sends a message to one actor on any node, and returns what its handler returned: any value that a message can hold,
   * deep-frozen.
   *
   * @throws {AskTimeoutError} if the actor has not answered in time. Its handler may run all the same.
   * @throws {NoSuchActorError} at once if the channel's node does not have the actor, or goes meanwhile; after the timeout
   *   if no node that could have it is known.
   * @throws {AskFailedError} if the handler failed, if the message was dropped before it was handled, or if no message
   *   can hold what was returned.
   * @throws {InvalidOptionError} unless `timeoutMs` is an integer from 1 to 2,147,483,647.
   * @throws {RuntimeClosedError} once the runtime closes.
   */
  ask<R = unknown>(channel: string, message: Message, options: AskOptions = {}): Promise<R> {
    return this.#cluster.ask(channel, message, options) as Promise<R>;
  }

  /**
   * Asks all members of a group, on every node. Each node answers once for its members, with what it has shortly before the
   * timeout.
   *
   * @throws {UnknownLayerError} if it is not clear on which layer the group is.
   */
  askGroup(group: string, message: Message, options: AskGroupOptions = {}): Promise<GroupAnswers> {
    return this.#cluster.askGroup(group, message, options);
  }

  /**
   * Closes the connections of all actors with a tag, on every node, and counts them. A connection that is not accepted yet
   * is refused with 503.
   *
   * @throws {CloseError} if a close frame cannot hold the code or the reason.
   * @throws {LayerUnavailableError} if the other nodes cannot be told. The actors of this node are disconnected all the same.
   */
  disconnect(tag: string, code = 1000, reason = "", options: AskOptions = {}): Promise<Tally> {
    return this.#cluster.disconnect(tag, code, reason, options);
  }

  /**
   * Returns the members of a group on all nodes, by `track` of a consumer, as far as this node knows them. The members of a
   * node that dies are gone within three of its heartbeats.
   */
  presence<M = unknown>(group: string): Members<M> {
    return this.#cluster.presence.list(group) as Members<M>;
  }

  /** Returns how many keys are present in a group, as far as this node knows. */
  presenceCount(group: string): number {
    return this.#cluster.presence.count(group);
  }

  /** Counts the actors with a tag, on all nodes. */
  count(tag: string, options: AskOptions = {}): Promise<Tally> {
    return this.#cluster.count(tag, options);
  }

  /**
   * Handles the jobs of a named channel. Each job goes to one of the channel's workers at a time, on any node, at least
   * once. A worker needs no socket and no actor. The runtime closes it before its layers, and waits for running jobs.
   *
   * @throws {UnknownLayerError} if it is not clear on which layer the channel is.
   * @throws {UnsupportedError} if that layer has no queues.
   * @throws {TypeError} unless the handler is a function.
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
    options: JobWorkerOptions = {},
  ): Promise<JobWorker> {
    return this.#workers.start(channel, handler as WorkHandler, options);
  }

  /**
   * Submits a job to the workers of a channel. With `replyTo`, the actor with that channel is told of it in
   * {@link JobMessages}.
   *
   * @returns the job's id, once the job is in the queue
   * @throws {InvalidNameError} unless `replyTo` is the channel of an actor.
   * @throws as {@link ChannelLayer.send} does for a named channel.
   */
  submit(channel: string, message: Message, options: SubmitOptions = {}): Promise<string> {
    return this.#workers.submit(channel, message, options);
  }
}
