import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { ChannelLayer } from "../layers/channel-layer.ts";
import { maxDelayMs } from "../layers/check-integer.ts";
import type { Clock } from "../layers/clock.ts";
import { createReporter, type ErrorListener } from "../layers/error-reporter.ts";
import { withTimeout } from "../layers/with-timeout.ts";
import type { ConsumerActor } from "./actor/actor.ts";
import type { ActorRef } from "./actor/actor-ref.ts";
import { spawn } from "./actor/spawn.ts";
import { Supervisor } from "./actor/supervisor.ts";
import { runUnowned, watchAsyncErrors } from "./async-error-owner.ts";
import { Cluster } from "./cluster/cluster.ts";
import { chooseControlLayer } from "./cluster/control-layer.ts";
import { JobWorkers } from "./cluster/job-workers.ts";
import { ClusterApi } from "./cluster-api.ts";
import type { ConsumerClass } from "./consumer-settings.ts";
import { ConsumerSettingsReader } from "./consumer-settings.ts";
import { Counters, type RuntimeCounters } from "./counters.ts";
import { HandlerTimeoutError, RuntimeClosedError } from "./errors.ts";
import { type PlainAnswer, surviveErrors } from "./http-response.ts";
import type { InspectionHooks, Report } from "./inspection-hooks.ts";
import { type Internals, internals } from "./internals.ts";
import { type Limits, resolveLimits } from "./limits.ts";
import type { RuntimeContext } from "./runtime-context.ts";
import { FlushScheduler } from "./socket/flush-scheduler.ts";
import { Heartbeat } from "./socket/heartbeat.ts";
import { SlowReaderWatch } from "./socket/slow-reader-watch.ts";
import { Admission, answerPlainRequest, requireUpgrade, shuttingDown } from "./upgrade/admission.ts";
import { type CompressionOptions, resolveCompression } from "./upgrade/compression.ts";
import { type Guard, originGuard } from "./upgrade/guards.ts";
import { targetOf } from "./upgrade/request-scope.ts";
import {
  type OnCompletePattern,
  type OnKnownLayer,
  type RouteOptions,
  Router,
  type SpawnScope,
  type WithHandlers,
} from "./upgrade/router.ts";
import { Upgrades } from "./upgrade/upgrades.ts";
import { type Inspect, inspectionObserver } from "./xstate-inspect.ts";

/** Layers by alias, whatever messages each of them carries. */
export type Layers = Record<string, ChannelLayer<never>>;

export interface RuntimeOptions<L extends Layers> extends Partial<Limits> {
  /** The layers that consumers name by alias. They belong to the runtime, which closes them. @default {} */
  readonly layers?: L;
  /**
   * The alias of the layer over which this runtime and others of the same application know of each other: see
   * {@link ClusterApi}. @default the only layer, if there is one; otherwise other runtimes are not reached
   */
  readonly control?: keyof L & string;
  /** Who may connect, in the order asked. @default [originGuard()] */
  readonly guards?: readonly Guard[];
  /** Hears of every failure that no caller awaits. @default `process.emitWarning`, at most one every 5 seconds */
  readonly onError?: ErrorListener;
  /**
   * Gets every event of XState's inspection protocol, in the order in which they happen, while the runtime lives: for
   * `@statelyai/inspect` and the like. The supervisor and the connections are one tree; a machine that a consumer runs is the
   * root of its own. It is called in the middle of what it hears of, so it is to be quick; what it throws goes to `onError` (stage
   * `inspect`) and touches no actor. With it, a connection's transitions cost about three times as much.
   */
  readonly inspect?: Inspect;
  /**
   * Whether messages are compressed for clients that offer it, and how. What a client sends is held to `maxPayload` as it is
   * once inflated. @default false
   */
  readonly compression?: boolean | CompressionOptions;
  /** Timers for deadlines, so that a test can hold them. @default those of Node */
  readonly clock?: Clock;
  /**
   * Whether what a consumer leaves behind, a timer or a promise that nobody awaits, fails its actor and not the process. To
   * know whose it is, `uncaughtException` and `unhandledRejection` of the process are listened to until the runtime is
   * closed; errors that belong to no actor do what they would have done.
   * @default true
   */
  readonly ownStrayErrors?: boolean;
}

export interface AttachOptions {
  /**
   * What to do with upgrades for paths that are not routed: `"reject"` answers 404, `"ignore"` leaves them to the
   * server's other listeners. @default "reject" while the server has no other listener for upgrades, else "ignore"
   */
  readonly unmatched?: "reject" | "ignore";
}

export interface CloseOptions {
  /** Milliseconds until what has not closed by itself is cut off. @default 10_000 */
  readonly drainMs?: number;
}

/** How long the layers get to close, in milliseconds. */
const layerGraceMs = 5_000;

const systemClock: Clock = {
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
};

/**
 * Runs consumers: one actor for each connection, under one supervisor.
 *
 * @example
 * ```ts
 * const runtime = createRuntime({ layers: { chat: new MemoryLayer() } });
 * runtime.route("/ws/room/:room_name", RoomChat, { params: { room_name: groupName } });
 * await runtime.ready();
 * runtime.attach(createServer().listen(8080));
 * ```
 */
export class Runtime<L extends Layers = Layers> extends ClusterApi {
  readonly layers: L;
  readonly #context: RuntimeContext;
  readonly #supervisor: Supervisor<ConsumerActor>;
  readonly #router = new Router();
  readonly #files = new Map<string, PlainAnswer>();
  readonly #admission: Admission;
  readonly #upgrades: Upgrades;
  readonly #attached = new Map<Server, () => void>();
  readonly #unwatch: () => void;
  #closing: Promise<void> | undefined;
  #closed = false;

  constructor({
    layers,
    control: controlAlias,
    guards = [originGuard()],
    onError,
    inspect,
    compression = false,
    clock = systemClock,
    ownStrayErrors = true,
    ...limits
  }: RuntimeOptions<L>) {
    const counters = new Counters();
    const resolved = resolveLimits(limits);
    const layersByAlias = (layers ?? {}) as unknown as Record<string, ChannelLayer>;
    const reportToListener = createReporter(() => onError);
    const inspection: InspectionHooks = { observer: undefined, onFailure: undefined };
    // What `onError` starts belongs to the program, not to the actor that failed.
    const report: Report = (error, where, actor) => {
      inspection.onFailure?.(error, where, actor);
      runUnowned(() => reportToListener(error, where));
    };
    const cluster = new Cluster({
      layers: layersByAlias,
      control: chooseControlLayer(layersByAlias, controlAlias),
      nodeHeartbeatMs: resolved.nodeHeartbeatMs,
      clock,
      counters,
      report,
    });
    const workers = new JobWorkers(cluster, report);
    super(cluster, workers);
    this.layers = layersByAlias as unknown as L;
    const observer = inspect && inspectionObserver(inspect, report);
    this.#supervisor = new Supervisor(observer);
    this.#context = {
      layers: layersByAlias,
      cluster,
      workers,
      limits: resolved,
      settings: new ConsumerSettingsReader(layersByAlias, resolved),
      clock,
      counters,
      report,
      inspection,
      inspect: observer,
      supervisor: this.#supervisor,
      flushScheduler: new FlushScheduler(),
      heartbeat: new Heartbeat(clock, resolved.pingIntervalMs),
      slowReaderWatch: new SlowReaderWatch(clock),
    };
    this.#admission = new Admission(this.#router, guards, this.#context.report);
    this.#upgrades = new Upgrades(this.#context, this.#admission, resolveCompression(compression));
    // Last, because a runtime whose options are refused cannot be closed.
    this.#unwatch = ownStrayErrors ? watchAsyncErrors() : () => {};
    for (const layer of Object.values(this.layers)) layer.onError ??= this.#context.report;
  }

  /** How many actors run, spawned ones included. */
  get size(): number {
    return this.#supervisor.size;
  }

  counters(): RuntimeCounters {
    return this.#context.counters.snapshot();
  }

  /**
   * Has `Consumer` serve the connections to paths that match `pattern`, such as `/ws/room/:room_name`.
   *
   * @throws {UnknownLayerError} if the runtime lacks the layer that the consumer names; it lists those there are.
   * @throws {MissingCapabilityError} if that layer lacks what the consumer needs.
   * @throws {InvalidOptionError} if a value of its `mailbox`, `outbox`, `supervision` or `handlerTimeoutMs` is out of range.
   * @throws {RouteError} if the pattern is malformed or taken, or lacks a parameter that there is a check for.
   */
  route<P extends string, C extends ConsumerClass>(
    pattern: P,
    consumer: C & OnKnownLayer<C, L> & WithHandlers<C> & OnCompletePattern<C, P>,
    options: RouteOptions<P> = {},
  ): void {
    this.#check(consumer);
    const { params = {}, guards = [] } = options;
    this.#router.add({ pattern, Consumer: consumer, checks: params, guards, answer: requireUpgrade });
  }

  /**
   * Resolves once every layer can carry messages, and the other nodes have been told of this one.
   *
   * @throws {LayerUnavailableError} naming the address that does not answer.
   */
  async ready(): Promise<void> {
    await Promise.all(Object.values(this.layers).map((layer) => layer.ready()));
    await this.#context.cluster.ready();
  }

  /**
   * Takes the upgrades of `server` for routed paths; other listeners for upgrades may stand beside it. If the server
   * has no listener for plain requests of its own, those are answered too: see {@link handleRequest}. Attaching to the
   * same server again does nothing.
   */
  attach(server: Server, { unmatched }: AttachOptions = {}): void {
    if (this.#attached.has(server)) return;
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const rejects = unmatched ? unmatched === "reject" : server.listenerCount("upgrade") === 1;
      if (rejects || this.#admission.serves(request)) this.handleUpgrade(request, socket, head);
      else surviveErrors(socket);
    };
    const onRequest = (request: IncomingMessage, response: ServerResponse) => {
      if (server.listenerCount("request") > 1 || this.handleRequest(request, response)) return;
      response
        .writeHead(404, { "Content-Type": "text/plain; charset=utf-8" })
        .end("There is nothing at this path\n");
    };
    server.on("upgrade", onUpgrade);
    server.on("request", onRequest);
    this.#attached.set(server, () => {
      server.off("upgrade", onUpgrade);
      server.off("request", onRequest);
    });
  }

  /** Takes one upgrade, for those whose server has a listener of its own. An unknown path is answered with 404. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#upgrades.handle(request, socket, head);
  }

  /**
   * Answers a plain request for the path of a socket as an upgrade would be answered, with 426 if it would be let in.
   * Returns false, without an answer, if the path is not routed or the runtime is closed.
   *
   * @example
   * ```ts
   * createServer((request, response) => {
   *   if (!runtime.handleRequest(request, response)) serveFiles(request, response);
   * });
   * ```
   */
  handleRequest(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#closed) return false;
    const file = this.#files.get(targetOf(request).path);
    if (file !== undefined) {
      file(request, response);
      return true;
    }
    if (!this.#admission.serves(request)) return false;
    void answerPlainRequest(this.#admission, request, response);
    return true;
  }

  /**
   * Runs a consumer without a socket. Resolves when its `connect` has settled.
   *
   * @throws {RejectedError} if the consumer rejects, or does not accept in time.
   * @throws {UnknownLayerError} as {@link route} does.
   * @throws {MissingCapabilityError} as {@link route} does.
   * @throws whatever `connect` throws, which `onError` hears of, too.
   * @throws {RuntimeClosedError} once the runtime closes.
   */
  async spawn<C extends ConsumerClass>(
    consumer: C & OnKnownLayer<C, L> & WithHandlers<C>,
    ...[scope]: Record<never, never> extends SpawnScope<C> ? [SpawnScope<C>?] : [SpawnScope<C>]
  ): Promise<ActorRef> {
    if (this.#closing !== undefined) throw new RuntimeClosedError();
    this.#check(consumer);
    return spawn(this.#context, consumer, scope ?? {});
  }

  /**
   * Ends everything: upgrades are refused with 503, connections are closed with 1012, in batches over half of
   * `drainMs` so that not all clients come back at once, and after `drainMs` they are cut. Workers take nothing new and are
   * waited for as long; a job that still runs then is given to another worker, and `onError` hears of it. Then the servers are let
   * go, which stay open, and the layers are closed: one that has not closed within 5 seconds, since a handler of its own `consume` does not
   * end, is reported and not waited for. May be called twice.
   */
  close({ drainMs = 10_000 }: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(Math.min(drainMs, maxDelayMs));
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  get [internals](): Internals {
    return {
      context: this.#context,
      admission: this.#admission,
      router: this.#router,
      files: this.#files,
    };
  }

  #check(consumer: ConsumerClass): void {
    if (typeof consumer !== "function") {
      throw new TypeError("A consumer is a class; machineConsumer(machine) makes one of a state machine.");
    }
    this.#context.settings.of(consumer);
  }

  async #close(drainMs: number): Promise<void> {
    const { clock, cluster, workers, report } = this.#context;
    const supervisor = this.#supervisor;
    this.#admission.draining = true;
    cluster.stopAsking();
    const working = workers.close();
    this.#upgrades.refuseAll(shuttingDown);
    const drained = Promise.all([supervisor.drain(drainMs / 2, clock), working]);
    if (!(await completes(drained, drainMs, clock))) {
      for (const actor of supervisor.children) actor.terminate();
      workers.abandon();
      await supervisor.whenEmpty();
    }
    this.#closed = true;
    for (const detach of this.#attached.values()) detach();
    this.#attached.clear();
    const closed = working.then(() => this.#closeLayers());
    if (!(await completes(closed, layerGraceMs, clock))) {
      const late = `The layers had not closed after ${layerGraceMs} ms: a handler does not end.`;
      closed.catch((error: unknown) => report(error, { stage: "close" }));
      report(new HandlerTimeoutError(late), { stage: "close" });
    }
    this.#unwatch();
  }

  async #closeLayers(): Promise<void> {
    await this.#context.cluster.close();
    await Promise.all(Object.values(this.layers).map((layer) => layer.close()));
  }
}

/** Makes a {@link Runtime}. */
export function createRuntime<L extends Layers = Record<never, never>>(
  options: RuntimeOptions<L> = {},
): Runtime<L> {
  return new Runtime(options);
}

/** Whether `work` is done within `ms` milliseconds. Rejects as `work` does. */
function completes(work: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  const timedOut = new Error("Timed out");
  return withTimeout(work, ms, clock, () => timedOut).then(
    () => true,
    (error: unknown) => {
      if (error !== timedOut) throw error;
      return false;
    },
  );
}
