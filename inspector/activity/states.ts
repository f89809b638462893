import type { AnyActorRef, AnyMachineSnapshot, AnyStateNode } from "xstate";

/** The state nodes that a machine is in, those around its states included; none once it is done. */
export const nodesOf = (machine: AnyActorRef): readonly AnyStateNode[] => activeNodes(machine.getSnapshot());

/** None where a machine was to go on from a snapshot that it could not be restored from. */
const activeNodes = (snapshot: unknown) =>
  ((snapshot as Partial<AnyMachineSnapshot>)._nodes ?? []) as readonly AnyStateNode[];

/** The states that a machine is in, those of its regions side by side: `playing.round, sound.on`. */
export function statesOf(snapshot: unknown): string {
  const nodes = activeNodes(snapshot);
  const leaves = nodes.filter((node) => !nodes.some(({ parent }) => parent === node));
  return leaves.map(pathOf).join(", ");
}

/** Of a state node. A machine that has no states is called by its own name. */
export const pathOf = ({ path, key }: AnyStateNode): string => path.join(".") || key;
