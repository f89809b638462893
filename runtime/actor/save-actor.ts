import type { ActorSnapshot } from "../../actors/snapshot/actor-snapshot.ts";
import { saveMachine } from "../../actors/snapshot/save-machine.ts";
import { SnapshotError } from "../../actors/snapshot/snapshot-error.ts";
import type { ConsumerClass } from "../consumer-settings.ts";
import type { ActorContext, ContextActor } from "./actor-context.ts";

type SavedActor = Pick<ContextActor, "groups" | "machineActor" | "runtime" | "state"> & {
  readonly Consumer: ConsumerClass;
};

/** @throws {SnapshotError} if the actor cannot be saved now. */
export function saveActor(actor: SavedActor, context: ActorContext): ActorSnapshot {
  const { Consumer, groups, machineActor, runtime, state } = actor;
  if (state !== "joined" || machineActor === undefined) {
    throw new SnapshotError(
      state === "joined"
        ? `${Consumer.name} is not a machineConsumer: only the state of a machine can be saved.`
        : "The actor has ended: call snapshot() before stop().",
    );
  }
  return {
    version: 1,
    ...saveMachine(machineActor, runtime.clock),
    groups: [...groups.joined],
    ...context.save(),
  };
}
