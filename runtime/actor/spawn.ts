import { type Exit, SnapshotError } from "../../actors/index.ts";
import { ownMachine } from "../../actors/own-machine.ts";
import type { GreenroomError } from "../../layers/errors.ts";
import { runOwned } from "../async-error-owner.ts";
import type { ConsumerClass } from "../consumer-settings.ts";
import { Deadline } from "../deadline.ts";
import { ConnectionLostError, RejectedError } from "../errors.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { InMemoryTransport } from "../socket/in-memory-transport.ts";
import { ConsumerActor } from "./actor.ts";
import { ActorRef, whenClosed } from "./actor-ref.ts";
import { type GivenScope, SpawnedScope } from "./spawned-scope.ts";

/**
 * Runs a consumer without a socket. Resolves once the actor has joined and `connect` has resolved.
 * @throws {SnapshotError} if there is a snapshot, but the consumer does not run a machine.
 */
export function spawn(
  context: RuntimeContext,
  Consumer: ConsumerClass,
  { snapshot, ...scope }: GivenScope & { readonly snapshot?: unknown },
): Promise<ActorRef> {
  if (snapshot !== undefined && !(ownMachine in Consumer)) {
    throw new SnapshotError(`${Consumer.name} is not a machineConsumer, so it cannot restore a snapshot.`);
  }
  const { clock, counters, limits } = context;
  const transport = new InMemoryTransport(counters);
  const actor = new ConsumerActor(context, Consumer, new SpawnedScope(scope), transport, snapshot);
  // XState calls the observers of the machine during `send`. They are callbacks of the application.
  const { send } = actor.machine;
  actor.machine.send = (event) => runOwned(actor.errorOwner, send, event);
  const reference = new ActorRef(actor, transport);
  return new Promise((resolve, reject) => {
    const refuse = () => void whenClosed(actor).then((exit) => reject(refusalOf(exit)));
    // The actor may end before its `connect` settles.
    transport.onEnded = refuse;
    actor.start(new Deadline(clock, limits.connectTimeoutMs)).then(
      () => {
        transport.onEnded = undefined;
        resolve(reference);
      },
      (error) => (error instanceof ConnectionLostError ? refuse() : reject(error)),
    );
  });
}

const refusalOf = ({ status, reason }: Exit): GreenroomError =>
  status === undefined ? new ConnectionLostError() : new RejectedError(status, reason);
