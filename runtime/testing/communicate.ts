import { MemoryLayer } from "../../layers/index.ts";
import type { ConsumerClass } from "../consumer-settings.ts";
import { internals } from "../internals.ts";
import { createRuntime, type Layers, type RuntimeOptions } from "../runtime.ts";
import { Admission, isRefusal, requireUpgrade } from "../upgrade/admission.ts";
import type { Guard } from "../upgrade/guards.ts";
import { requestScope } from "../upgrade/request-scope.ts";
import { Router, type SpawnScope, type WithHandlers } from "../upgrade/router.ts";
import { Communicator } from "./communicator.ts";
import type { TestedRuntime } from "./settle.ts";
import { type RequestOptions, virtualRequest } from "./virtual-request.ts";

/** The runtime that a consumer is to run in: one that is given, or a new one with these options. */
type RuntimeChoice =
  | { readonly runtime: TestedRuntime; readonly options?: never }
  | { readonly runtime?: never; readonly options?: Omit<RuntimeOptions<Layers>, "guards"> };

/** How a consumer is talked to. Path, parameters, query and user are what the consumer finds in its scope. */
export type CommunicateOptions<C extends ConsumerClass> = Omit<SpawnScope<C>, "snapshot"> &
  RequestOptions &
  RuntimeChoice & {
    /** Who may connect, in the order asked. @default [] */
    readonly guards?: readonly Guard[];
  };

/**
 * A client for one consumer, without a network, a port or a route.
 *
 * Without a `runtime` it gets one of its own, made with `options`, which is closed with it; there a layer that the consumer
 * names and `options.layers` lacks is a new {@link MemoryLayer}. A runtime that is given stays open.
 *
 * @throws {UnknownLayerError} as `route` does.
 * @throws {MissingCapabilityError} as `route` does.
 *
 * @example
 * const client = communicate(RoomChat, { params: { room_name: "lobby" }, user: "ada" });
 * expect(await client.connect()).to.include({ accepted: true });
 * client.sendJson({ message: "hello" });
 * expect(await client.receiveJson()).to.deep.equal({ message: "hello" });
 * await client.receiveNothing();
 * await client.disconnect();
 */
export function communicate<C extends ConsumerClass>(
  consumer: C & WithHandlers<C>,
  ...[given]: Record<never, never> extends SpawnScope<C> ? [CommunicateOptions<C>?] : [CommunicateOptions<C>]
): Communicator {
  const Consumer: ConsumerClass = consumer;
  const {
    path = "/",
    params = {},
    query,
    user,
    guards = [],
    runtime: theirs,
    options,
    ...request
  } = (given ?? {}) as CommunicateOptions<ConsumerClass>;
  const runtime: TestedRuntime = theirs ?? ownRuntime(Consumer, options);
  const { context } = runtime[internals];
  context.settings.of(Consumer);
  const { subprotocols = [] } = request;
  const route = { pattern: path, Consumer, checks: {}, guards, answer: requireUpgrade };
  return new Communicator({
    runtime,
    ownsRuntime: theirs === undefined,
    subprotocols,
    admit() {
      const incoming = virtualRequest(path, request);
      const scope = requestScope({ path, query: String(query ?? "") }, params, incoming, user);
      return new Admission(new Router(), [], context.report).guard({ route, scope }, incoming);
    },
  });
}

/**
 * A client of `runtime`, without a network or a port, that comes in as one with a socket would: through the routes, the
 * checks of their parameters and the guards. The runtime stays open.
 *
 * @param target path and query: `"/ws/room/lobby?from=12"`
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
