import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { ChannelLayer } from "../layers/channel-layer.ts";
import { maxDelayMs } from "../layers/check-integer.ts";
import type { ConsumerActor } from "./actor/actor.ts";
import type { ActorRef } from "./actor/actor-ref.ts";
import { spawn } from "./actor/spawn.ts";
import type { Supervisor } from "./actor/supervisor.ts";
import { watchAsyncErrors } from "./async-error-owner.ts";
import { ClusterApi } from "./cluster-api.ts";
import type { ConsumerClass } from "./consumer-settings.ts";
import type { RuntimeCounters } from "./counters.ts";
import { createContext } from "./create-context.ts";
import { completes, timeOf } from "./deadline.ts";
import { rejectIfAwaitedInside } from "./deadlock.ts";
import { HandlerTimeoutError, RouteError, RuntimeClosedError } from "./errors.ts";
import { originGuard } from "./guards/guards.ts";
import { healthOf, type RuntimeHealth } from "./health.ts";
import type { PlainAnswer } from "./http-response.ts";
import { type Internals, internals } from "./internals.ts";
import { takeLayers } from "./layer-ownership.ts";
import { limitSockets } from "./limits/attached-sockets.ts";
import { checkedParams } from "./routes/contract-params.ts";
import { closeReplaced, type ReplaceRoutesOptions } from "./routes/replace-routes.ts";
import { patternOf, routeArguments } from "./routes/route-arguments.ts";
import type {
  OnKnownLayer,
  RouteRest,
  RouteTarget,
  SpawnScope,
  WithHandlers,
  WithServices,
} from "./routes/route-types.ts";
import { Router } from "./routes/router.ts";
import type { RuntimeContext } from "./runtime-context.ts";
import type { CloseOptions, Layers, RuntimeOptions } from "./runtime-options.ts";
import type { AttachableServer, AttachOptions } from "./server/attach-options.ts";
import { AttachedServer } from "./server/attached-server.ts";
import { ClosingServer } from "./server/closing-server.ts";
import { paceRequests } from "./server/paced-requests.ts";
import { PlainRequests } from "./server/plain-requests.ts";
import { Admission, requireUpgrade, shuttingDown } from "./upgrade/admission.ts";
import { resolveCompression } from "./upgrade/compression.ts";
import { targetOf } from "./upgrade/request-scope.ts";
import { Upgrades } from "./upgrade/upgrades.ts";

const layerGraceMs = 5_000;

/**
 * Runs consumers: one actor per connection, under one supervisor.
 *
 * @example
 * ```ts
 * const runtime = createRuntime({ layers: { chat: new MemoryLayer() } });
 * runtime.route("/ws/room/:room_name", RoomChat, { params: { room_name: groupName } });
 * await runtime.ready();
 * runtime.attach(createServer().listen(8080));
 * ```
 */
export class Runtime<
  L extends Layers = Layers,
  U = never,
  S extends object = Record<never, never>,
> extends ClusterApi {
  readonly layers: L;
  readonly #context: RuntimeContext;
  readonly #supervisor: Supervisor<ConsumerActor>;
  readonly #router = new Router();
  readonly #files = new Map<string, PlainAnswer>();
  readonly #admission: Admission;
  readonly #upgrades: Upgrades;
  readonly #plainRequests: PlainRequests;
  readonly #attached = new Map<AttachableServer, () => void>();
  readonly #closingServers: ClosingServer[] = [];
  readonly #unwatch: () => void;
  #closing: Promise<void> | undefined;
  #closed = false;

  constructor({
    layers,
    guards = [originGuard()],
    compression = false,
    ownAsyncErrors = true,
    ...options
  }: RuntimeOptions<L, U, S>) {
    const byAlias = (layers ?? {}) as unknown as Record<string, ChannelLayer>;
    const context = createContext(byAlias, options);
    super(context.cluster, context.workers, context.named);
    this.layers = byAlias as unknown as L;
    this.#context = context;
    this.#supervisor = context.supervisor;
    this.#admission = new Admission(this.#router, guards, context);
    this.#upgrades = new Upgrades(context, this.#admission, resolveCompression(compression));
    this.#plainRequests = new PlainRequests(context, this.#admission);
    takeLayers(byAlias);
    // This step comes last, because a runtime whose constructor throws cannot be closed.
    this.#unwatch = ownAsyncErrors ? watchAsyncErrors() : () => {};
    for (const layer of Object.values(this.layers)) {
      layer.onError ??= context.report;
      layer.lane = context.scheduler.deliveries;
      if (!ownAsyncErrors) layer.disownAsyncErrors();
    }
  }

  /** The number of running actors, including spawned actors. */
  get size(): number {
    return this.#supervisor.size;
  }

  /** Returns a snapshot of the counters of this node since the runtime was created. */
  counters(): RuntimeCounters {
    const { counters, named } = this.#context;
    return { ...counters.snapshot(), named: named.counters() };
  }

  /** Whether this node can serve clients now: for the readiness probe of a load balancer. */
  health(): RuntimeHealth {
    return healthOf(this.#context.layers, this.#closing !== undefined);
  }

  /**
   * `route(pattern, consumer, options)` makes `consumer` serve the connections to paths that match `pattern`, such
   * as `/ws/room/:room_name`. `route(consumer, options)` makes a consumer with a contract serve the connections to
   * the path of its contract, whose schema checks the path parameters. With `replace: true`, the route takes the
   * place of an earlier route for the same paths. Existing connections keep their consumer.
   *
   * @throws {UnknownLayerError} if the runtime lacks the consumer's layer. The message lists the layers.
   * @throws {MissingCapabilityError} if that layer lacks a capability that the consumer needs.
   * @throws {InvalidOptionError} if `mailbox`, `outbox`, `limits`, `session`, `supervision` or `handlerTimeoutMs` is
   *   out of range or has an unknown property, or if the consumer lacks a handler for a frame of its contract.
   * @throws {RouteError} if the pattern is malformed, has a route already and `replace` is not true, or lacks
   *   a parameter of `params`. Also if a pattern is given for a consumer with a contract, or none is given for
   *   another consumer.
   */
  route<A extends string | ConsumerClass, C extends ConsumerClass, G = never>(
    patternOrConsumer: RouteTarget<A, L, U, S, G>,
    ...rest: RouteRest<A, C, L, U, S, G>
  ): void {
    const { pattern, Consumer, options } = routeArguments([patternOrConsumer, ...rest]);
    this.#check(Consumer);
    const { params: checks = {}, guards = [], replace = false } = options;
    const route = { pattern: patternOf(Consumer, pattern), Consumer, checks, guards, answer: requireUpgrade };
    this.#router.add(route, replace);
  }

  /**
   * Makes the routes that `define` adds the only ones: for a hot reload. The inspector stays. If `define` throws,
   * the earlier routes stay. Existing connections keep their consumer. With `reconnect: true`, the runtime closes the
   * connections whose consumer has no route any more, with 1001, so their clients connect to the new consumer.
   *
   * @throws {RouteError} if `define` is async.
   *
   * @example
   * ```ts
   * runtime.replaceRoutes(() => runtime.route("/ws/room/:room_name", RoomChat), { reconnect: true });
   * ```
   */
  replaceRoutes(define: (runtime: this) => void, { reconnect = false }: ReplaceRoutesOptions = {}): void {
    this.#router.replaceAll(() => define(this));
    if (reconnect) closeReplaced(this.#supervisor.children, this.#router.routes);
  }

  /**
   * Removes the route that matches the same paths as `pattern`. Existing connections stay open. Returns
   * whether there was a route.
   */
  unroute(pattern: string): boolean {
    return this.#router.remove(pattern);
  }

  /**
   * Resolves once every layer can carry messages and this node is announced to the other nodes.
   *
   * @throws {LayerUnavailableError} if a layer's server does not answer. The message contains its address.
   */
  async ready(): Promise<void> {
    const { cluster, events, layers, named } = this.#context;
    await Promise.all(Object.values(layers).map((layer) => layer.ready()));
    if (this.#closing === undefined) events.watchHealth(layers);
    await Promise.all([cluster.ready(), named.ready()]);
  }

  /**
   * Handles the WebSocket upgrades of `server` for paths with a route. If the server has no other listener
   * for plain requests, also handles these: see {@link handleRequest}. Several runtimes can be attached to a
   * server: a path belongs to the first of them that has a route for it.
   *
   * Other listeners for upgrades keep working. They get upgrades to other protocols, and upgrades to paths
   * without a route. If none of them answers within `unansweredUpgradeMs`, the answer is 404. If the server
   * has no other listener for upgrades, its `request` listeners get upgrades to other protocols.
   *
   * If another listener answers an upgrade to a path with a route, the runtime does not answer. Once, it
   * reports an `UpgradeConflictError` to `onError`. With `exclusive: true`, the other listeners do not get
   * the upgrades to its paths. Attaching to the same server again does nothing.
   *
   * @param server null is refused. The type allows it because Vite's `httpServer` is null in middleware mode.
   * @throws {RuntimeClosedError} if the runtime is closing or closed.
   * @throws {TypeError} if `server` is null.
   */
  attach(server: AttachableServer | null, { closeServer = false, ...options }: AttachOptions = {}): void {
    if (server === null) {
      throw new TypeError(
        "The server is null, as in Vite's middleware mode: attach to the HTTP server that calls the middleware.",
      );
    }
    if (this.#closing !== undefined) throw new RuntimeClosedError();
    if (this.#attached.has(server)) return;
    if (closeServer) this.#closingServers.push(new ClosingServer(server));
    const detach = AttachedServer.of(server).attach({
      ...options,
      upgrades: this.#upgrades,
      handleRequest: (request, response) => this.handleRequest(request, response),
    });
    const release = limitSockets(server, this.#context.connectionLimits, this.#context.limits);
    const endPacing = paceRequests(server, this.#context.scheduler);
    this.#attached.set(server, () => {
      detach();
      release();
      endPacing();
    });
  }

  /** Handles one upgrade. Call this in an `upgrade` listener. A path without a route is answered with 404. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#upgrades.handle(request, socket, head);
  }

  /**
   * Answers a plain HTTP request for a path with a route. If a guard or parameter check refuses the request,
   * answers with this refusal, else with 426. The guards have the time limit `connectTimeoutMs`. While a guard
   * is pending, further requests of the connection that reach the guards get 503. If the path has no route or
   * the runtime is closed, does not answer, and returns false.
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
    void this.#plainRequests.answer(request, response);
    return true;
  }

  /**
   * Runs a consumer without a socket. Resolves once the consumer's `connect` has resolved.
   *
   * @throws {RejectedError} if the consumer rejects the connection, or does not accept it in time.
   * @throws as {@link route} does, except for {@link RouteError}.
   * @throws {InvalidOptionError} if the contract's schema refuses the parameters.
   * @throws {SnapshotError} if the snapshot does not fit the consumer or its machine.
   * @throws the error that `connect` throws. The error is also reported to `onError`.
   * @throws {RuntimeClosedError} if the runtime is closing or closed.
   */
  async spawn<C extends ConsumerClass>(
    consumer: C & OnKnownLayer<C, L> & WithHandlers<C> & WithServices<C, S>,
    ...[scope]: Record<never, never> extends SpawnScope<C> ? [SpawnScope<C>?] : [SpawnScope<C>]
  ): Promise<ActorRef> {
    if (this.#closing !== undefined) throw new RuntimeClosedError();
    this.#check(consumer);
    return spawn(this.#context, consumer, { ...scope, ...checkedParams(consumer, scope?.params) });
  }

  /**
   * Shuts down gracefully. May be called twice.
   *
   * 1. Upgrades are refused with 503. Connections are closed with 1012, in batches that are spread over half
   *    of `drainMs`, so that the clients do not all reconnect at once. Workers take no new jobs.
   * 2. After `drainMs`, the remaining connections are cut. A job that still runs is reported to `onError`,
   *    and is delivered to another worker.
   * 3. The servers that are attached with `closeServer: true` close. Requests that run may end until `drainMs` is
   *    over, and are cut then.
   * 4. The runtime detaches from its servers, and closes its layers. If a running `consume` handler keeps a layer
   *    open for 5 seconds, the runtime tells `onError`, and stops waiting.
   *
   * @throws {DeadlockError} if a handler of this runtime awaits the call. The shutdown goes on.
   */
  close({ drainMs = 10_000 }: CloseOptions = {}): Promise<void> {
    const actor = [...this.#supervisor.children].find(({ callingHandler }) => callingHandler !== undefined);
    const callingHandler = actor?.callingHandler ?? this.#context.workers.callingHandler();
    this.#closing ??= this.#close(Math.min(drainMs, maxDelayMs));
    return rejectIfAwaitedInside(
      this.#closing,
      callingHandler,
      "a runtime closes after its handlers. Do not await close() in a handler.",
    );
  }

  /** Closes the runtime, at the end of the block of `await using`. */
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
      throw new TypeError(
        "A consumer must be a class: machineConsumer(machine) makes one from a state machine.",
      );
    }
    this.#context.settings.of(consumer);
  }

  async #close(drainMs: number): Promise<void> {
    const { clock, cluster, events, named, workers, report } = this.#context;
    const supervisor = this.#supervisor;
    const endsAt = timeOf(clock) + drainMs;
    events.draining(this.size);
    this.#admission.draining = true;
    cluster.stopAsking();
    const working = workers.close();
    this.#upgrades.refuseAll(shuttingDown);
    this.#plainRequests.refuseAll(shuttingDown);
    const handedOver = named.handOver(false);
    const drained = Promise.all([supervisor.drain(drainMs / 2, clock), working, handedOver]);
    if (!(await completes(drained, drainMs, clock))) {
      for (const actor of supervisor.children) actor.terminate();
      workers.abandon();
      await supervisor.whenEmpty();
    }
    const restMs = Math.max(0, endsAt - timeOf(clock));
    await Promise.all(this.#closingServers.map((server) => server.close(restMs, clock)));
    await handedOver;
    await named.handOver(true);
    named.close();
    this.#closed = true;
    for (const detach of this.#attached.values()) detach();
    this.#attached.clear();
    const closed = working.then(() => this.#closeLayers());
    try {
      if (await completes(closed, layerGraceMs, clock)) return;
      const late = `The layers had not closed after ${layerGraceMs} ms: a handler is still running.`;
      closed.catch((error: unknown) => report(error, { stage: "close" }));
      report(new HandlerTimeoutError(late), { stage: "close" });
    } finally {
      await events.closed();
      this.#unwatch();
    }
  }

  async #closeLayers(): Promise<void> {
    await this.#context.cluster.close();
    await Promise.all(Object.values(this.layers).map((layer) => layer.close()));
  }
}

/** Creates a {@link Runtime}. */
export function createRuntime<
  L extends Layers = Record<never, never>,
  U = never,
  S extends object = Record<never, never>,
>(options: RuntimeOptions<L, U, S> = {}): Runtime<L, U, S> {
  return new Runtime(options);
}
