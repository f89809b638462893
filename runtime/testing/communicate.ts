import { MemoryLayer } from "../../layers/index.ts";
import type { ConsumerClass } from "../consumer-settings.ts";
import type { AnyGuard, Guard } from "../guards/guards.ts";
import { internals } from "../internals.ts";
import { checkedParams } from "../routes/contract-params.ts";
import type { ServicesOfClass, SpawnScope, WithHandlers, WithUser } from "../routes/route-types.ts";
import { Router } from "../routes/router.ts";
import { createRuntime } from "../runtime.ts";
import type { Layers, RuntimeOptions } from "../runtime-options.ts";
import { Admission, isRefusal, requireUpgrade } from "../upgrade/admission.ts";
import { offeredProtocols } from "../upgrade/offered-protocols.ts";
import { requestScope } from "../upgrade/request-scope.ts";
import { Communicator } from "./communicator.ts";
import type { TestedRuntime } from "./settle.ts";
import { type RequestOptions, virtualRequest } from "./virtual-request.ts";

type RuntimeChoice =
  | { readonly runtime: TestedRuntime; readonly options?: never }
  | { readonly runtime?: never; readonly options?: Omit<RuntimeOptions<Layers>, "guards" | "services"> };

/** The services of the client's own runtime. A given runtime has its own. */
type ServicesChoice<C extends ConsumerClass> = [keyof ServicesOfClass<C>] extends [never]
  ? { readonly services?: object }
  : { readonly services: ServicesOfClass<C> } | { readonly runtime: TestedRuntime };

/**
 * Options of {@link communicate}. The consumer's scope has the given path, parameters, query and user. A consumer
 * that needs a user gets it from `user`, or from `guards` that find such a user, which is of the type `G`.
 */
export type CommunicateOptions<C extends ConsumerClass, G = never> = RequestOptions &
  RuntimeChoice &
  ServicesChoice<C> &
  (ConnectionScope<C> | GuardedScope<C, G>);

type ConnectionScope<C extends ConsumerClass> = Omit<SpawnScope<C>, "snapshot"> & {
  /** Guards of the connection, called in order. @default [] */
  readonly guards?: readonly AnyGuard[];
};

type GuardedScope<C extends ConsumerClass, G> = Omit<SpawnScope<C>, "snapshot" | "user"> &
  WithUser<C, never, G> & { readonly user?: never; readonly guards: readonly Guard<G>[] };

/**
 * Creates a client of one consumer, without a network, a port or a route.
 *
 * A given `runtime` stays open. Otherwise the client creates a runtime with `options`, and closes it on
 * `disconnect`. If `options.layers` lacks the consumer's layer, the client adds a `MemoryLayer`.
 *
 * @throws as `runtime.route` does, except for `RouteError`.
 *
 * @example
 * const client = communicate(RoomChat, { params: { room_name: "lobby" }, user: "ada" });
 * expect(await client.connect()).to.include({ accepted: true });
 * client.sendJson({ message: "hello" });
 * expect(await client.receiveJson()).to.deep.equal({ message: "hello" });
 * await client.receiveNothing();
 * await client.disconnect();
 */
export function communicate<C extends ConsumerClass, G = never>(
  consumer: C & WithHandlers<C>,
  ...[given]: Record<never, never> extends SpawnScope<C> & ServicesChoice<C>
    ? [CommunicateOptions<C, G>?]
    : [CommunicateOptions<C, G>]
): Communicator {
  const Consumer: ConsumerClass = consumer;
  const {
    path = "/",
    params: givenParams,
    query,
    user,
    guards = [],
    runtime: givenRuntime,
    options,
    services,
    ...request
  } = (given ?? {}) as CommunicateOptions<ConsumerClass> & { readonly services?: object };
  const runtime: TestedRuntime =
    givenRuntime ?? ownRuntime(Consumer, { ...options, ...(services && { services }) });
  const { context } = runtime[internals];
  context.settings.of(Consumer);
  const { params } = checkedParams(Consumer, givenParams);
  const { subprotocols = [], session = false } = request;
  const route = { pattern: path, Consumer, checks: {}, guards, answer: requireUpgrade };
  return new Communicator({
    runtime,
    ownsRuntime: givenRuntime === undefined,
    subprotocols,
    hasSession: session,
    admit() {
      const incoming = virtualRequest(path, request);
      const scope = requestScope(
        { path, query: String(query ?? "") },
        params,
        incoming,
        offeredProtocols(incoming),
        context.clientAddresses,
        user,
      );
      return new Admission(new Router(), [], context).guard({ route, scope }, incoming);
    },
  });
}

/**
 * Creates a client of `runtime`, without a network or a port. The routes, parameter checks and guards apply
 * as they do to a client with a socket. The runtime stays open when the client disconnects.
 *
 * @param target the path and the query, such as `"/ws/room/lobby?from=12"`
 */
export function communicateWith(
  runtime: TestedRuntime,
  target: string,
  options: RequestOptions = {},
): Communicator {
  const { admission } = runtime[internals];
  return new Communicator({
    runtime,
    ownsRuntime: false,
    subprotocols: options.subprotocols ?? [],
    hasSession: options.session ?? false,
    async admit() {
      const request = virtualRequest(target, options);
      const found = admission.find(request);
      return isRefusal(found) ? found : admission.guard(found, request);
    },
  });
}

function ownRuntime(Consumer: ConsumerClass, options: Omit<RuntimeOptions<Layers>, "guards"> = {}) {
  const { layer } = Consumer;
  const layers = layer === undefined ? options.layers : { [layer]: new MemoryLayer(), ...options.layers };
  return createRuntime({ ...options, layers: layers ?? {} });
}
