import { toPromise } from "xstate";
import { CloseCode, type Exit, type Scope } from "../actors/index.ts";
import type { GreenroomError } from "../layers/errors.ts";
import { ActorReference } from "./actor-reference.ts";
import { Connection } from "./connection.ts";
import type { ConsumerClass } from "./consumer-class.ts";
import { Deadline } from "./deadline.ts";
import type { Environment } from "./environment.ts";
import { ConnectionLostError, RejectedError } from "./errors.ts";
import { VirtualTransport } from "./virtual-transport.ts";

/** The facts of a connection that no request gives. */
type GivenScope = Partial<Pick<Scope, "path" | "params" | "query" | "user">>;

/** How an actor ended whose machine broke. */
const brokenExit: Exit = { code: CloseCode.failure, reason: "Internal error", by: "runtime" };

/** Runs a consumer without a socket. Resolves when it has joined, and `connect` has settled; rejects if it has not. */
export async function spawn(
  environment: Environment,
  Consumer: ConsumerClass,
  { snapshot, ...scope }: GivenScope & { readonly snapshot?: unknown },
): Promise<ActorReference> {
  const { clock, counters, limits } = environment;
  const transport = new VirtualTransport(counters);
  const connection = new Connection(environment, Consumer, virtualScope(scope), transport, snapshot);
  const done = toPromise(connection.machine).catch(() => brokenExit);
  const ended = done.then((exit) => Promise.reject(refusalOf(exit)));
  const connecting = connection.start(new Deadline(clock, limits.connectTimeoutMs));
  await Promise.race([connecting, ended]).catch((error) =>
    error instanceof ConnectionLostError ? ended : Promise.reject(error),
  );
  return new ActorReference(connection, transport, environment.control, done);
}

const refusalOf = ({ status, reason }: Exit): GreenroomError =>
  status === undefined ? new ConnectionLostError() : new RejectedError(status, reason);

function virtualScope({ path = "", params = {}, query = new URLSearchParams(), user }: GivenScope): Scope {
  return { path, params, query, headers: {}, subprotocols: [], clientAddress: undefined, user };
}
