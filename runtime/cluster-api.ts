import type { AnyStateMachine, StateValueFrom } from "xstate";
import type {
  AskGroupOptions,
  AskOptions,
  GroupAnswers,
  Members,
  NamedActors,
  SubmitOptions,
  Tally,
} from "../actors/index.ts";
import type { AnyMessage, Carried } from "../layers/carried.ts";
import type { Message } from "../layers/message.ts";
import type { RunningJob } from "../layers/running-jobs.ts";
import type { NamedCallerOptions, NamedMessages, NamedOptions } from "../named/kind-options.ts";
import type { NamedKinds } from "../named/named-kinds.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { JobWorker, JobWorkerOptions, JobWorkers, WorkHandler } from "./cluster/job-workers.ts";

/**
 * The methods of a runtime that reach actors on all nodes with the same control layer.
 *
 * Calls that reach other nodes reject with `LayerUnavailableError` while the layer's server is unreachable.
 *
 * If the runtime has several layers and no option `control`, the runtime does not know which of them connects
 * the nodes. Then `presence`, `presenceCount`, `count`, `disconnect` and `askGroup` throw or reject with
 * {@link NoControlLayerError}. So do `send` and `ask` to an actor of another node, and the methods `tag`,
 * `track`, `watch` and `presence` of consumers. Actors of this node can be reached by their channels.
 */
export abstract class ClusterApi {
  readonly #cluster: Cluster;
  readonly #workers: JobWorkers;
  readonly #named: NamedKinds;

  constructor(cluster: Cluster, workers: JobWorkers, named: NamedKinds) {
    this.#cluster = cluster;
    this.#workers = workers;
    this.#named = named;
  }

  /** This node's id, unique among the nodes with the same control layer. */
  get node(): string {
    return this.#cluster.id;
  }

  /** The ids of all nodes known to be alive, this node first. Only this node if the control layer is not known. */
  get nodes(): readonly string[] {
    return this.#cluster.ids;
  }

  /**
   * Delivers a message to one actor on any node, at most once. Messages of one sender stay in order. If the
   * actor has stopped, the node that detects this counts the message as a dead letter.
   *
   * @param channel the `channel` of a consumer or of an {@link ActorRef}
   * @throws {InvalidNameError} unless `channel` is the channel of an actor.
   * @throws {InvalidMessageError} if the message is invalid.
   * @throws {NoControlLayerError} for an actor of another node, if the control layer is not known.
   */
  send<M extends AnyMessage>(channel: string, message: M & Carried<M>): Promise<void> {
    return this.#cluster.send(channel, message as Message);
  }

  /**
   * Sends a message to one actor on any node, and resolves with the deep-frozen return value of its handler.
   * The value can be of any type that a message can hold.
   *
   * In a call with a type argument, such as `ask<number>(…)`, the compiler does not check the parts of the message.
   *
   * @throws {AskTimeoutError} if the actor does not reply within `timeoutMs`. Its handler may still run.
   * @throws {NoSuchActorError} immediately if the channel's node lacks the actor, or leaves before it
   *   replies. If no known node could have the actor, the call rejects after the timeout.
   * @throws {AskFailedError} if the handler fails, if the message is dropped before it is handled, or if a
   *   message cannot hold the return value.
   * @throws {InvalidOptionError} unless `timeoutMs` is an integer from 1 to 2,147,483,647.
   * @throws {RuntimeClosedError} if the runtime is closing or closed.
   */
  ask<R = unknown, M extends AnyMessage = Message>(
    channel: string,
    message: M & Carried<M>,
    options: AskOptions = {},
  ): Promise<R> {
    return this.#cluster.ask(channel, message as Message, options) as Promise<R>;
  }

  /**
   * Asks all members of a group, on every node. Each node sends one combined reply for its members. Shortly
   * before the timeout, a node sends the replies that it has, even if some of its members have not replied.
   *
   * @throws {UnknownLayerError} if `layer` is unknown, or if it is missing and there is no control layer.
   * @throws {NoControlLayerError} if the control layer is not known.
   */
  askGroup<M extends AnyMessage>(
    group: string,
    message: M & Carried<M>,
    options: AskGroupOptions = {},
  ): Promise<GroupAnswers> {
    return this.#cluster.askGroup(group, message as Message, options);
  }

  /**
   * Closes the connections of all actors with a tag, on every node, and resolves with the number of these
   * actors. A connection that is not accepted yet is refused with 503.
   *
   * Also closes a connection that began before the call, and gets the tag within `connectTimeoutMs` (at least
   * 10 s) after the call: for example, a connection whose guard or `connect` runs during the call. Such a
   * connection is not part of the number. A connection that begins after the call can get the tag. For another
   * node, the time of the call is the moment when the node receives it. This moment is before the promise
   * resolves, unless the node is one of the `missing`. A node remembers at most 10,000 tags. Beyond this, it
   * forgets the oldest, and counts it as `forgotten`.
   *
   * @throws {CloseError} if a close frame cannot hold the code or the reason.
   * @throws {LayerUnavailableError} if the other nodes are unreachable. This node's connections still close.
   */
  disconnect(tag: string, code = 1000, reason = "", options: AskOptions = {}): Promise<Tally> {
    return this.#cluster.disconnect(tag, code, reason, options);
  }

  /**
   * Returns the members present in a group on all nodes, as far as this node knows. A consumer becomes
   * present by calling `track`. The members of a dead node disappear within four heartbeat intervals, or
   * `graceMs` later. An absent member whose grace has not ended is included.
   */
  presence<M = unknown>(group: string): Members<M> {
    this.#cluster.requireControl("presence");
    return this.#cluster.presence.list(group) as Members<M>;
  }

  /** Returns the number of keys present in a group on all nodes, as far as this node knows. */
  presenceCount(group: string): number {
    this.#cluster.requireControl("presenceCount");
    return this.#cluster.presence.count(group);
  }

  /** Counts the actors with a tag, on all nodes. */
  count(tag: string, options: AskOptions = {}): Promise<Tally> {
    return this.#cluster.count(tag, options);
  }

  /**
   * The jobs that the workers of this runtime run now. The longest-running job is first.
   *
   * @example
   * const [oldest] = runtime.runningJobs;
   * gauge.set({ running: runtime.runningJobs.length, oldestMs: oldest?.runningMs ?? 0 });
   */
  get runningJobs(): readonly RunningJob[] {
    return this.#workers.running;
  }

  /**
   * Starts a worker for the jobs of a named channel. Each job is delivered at least once, to one worker at a
   * time, on any node. A closing runtime waits for running jobs before it closes its layers.
   *
   * @throws {UnknownLayerError} if `layer` is unknown, or if it is missing and there is no control layer.
   * @throws {UnsupportedError} if that layer has no job queues.
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
   * Submits a job to a channel's workers. The actor at `replyTo`, if any, receives the {@link JobMessages}.
   *
   * @returns the job's id, once the job is queued
   * @throws {InvalidNameError} unless `replyTo` is the channel of an actor.
   * @throws as {@link ChannelLayer.send} does for a named channel.
   */
  submit<M extends AnyMessage>(
    channel: string,
    message: M & Carried<M>,
    options: SubmitOptions = {},
  ): Promise<string> {
    return this.#workers.submit(channel, message as Message, options);
  }

  /**
   * Declares a kind of named actors, and returns its actors. `machine` is the behaviour of the actors that this process
   * runs. Without a machine, the process only calls them. The kind is opened in the background; {@link Runtime.ready}
   * awaits it. A failure is reported, and repeated.
   *
   * @throws {InvalidNameError} unless `kind` is 1 to 60 ASCII letters, digits, `-`, `_` and `.`.
   * @throws {NamedKindError} if the runtime has a kind with this name.
   * @throws {UnknownLayerError} if `layer` is unknown, or if it is missing and there is no control layer.
   * @throws {UnsupportedError} if the layer lacks the capability `state`.
   * @throws {InvalidOptionError} for an invalid option.
   *
   * @example
   * ```ts
   * const lots = runtime.named("lot", lotMachine, { layer: "state", input: (key) => ({ lot: key }) });
   * await lots.get("17").ask({ type: "bid", by: "ada", amount: 500 });
   * ```
   */
  named<M extends AnyStateMachine, V = StateValueFrom<M>>(
    kind: string,
    machine: M,
    options?: NamedOptions<M, V>,
  ): NamedActors<NamedMessages<M>, V>;
  named<M = Record<string, object>, V = unknown>(
    kind: string,
    options?: NamedCallerOptions,
  ): NamedActors<M, V>;
  named(kind: string, ...given: readonly object[]): NamedActors<never, never> {
    const [machine, options = {}] = isMachine(given[0]) ? [given[0], given[1]] : [undefined, given[0]];
    return this.#named.add(kind, machine, options) as NamedActors<never, never>;
  }
}

const isMachine = (value: unknown): value is AnyStateMachine =>
  typeof Object(value).getStateNodeById === "function";
