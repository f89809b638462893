import type { AnyActorRef, AnyMachineSnapshot, AnyStateNode } from "xstate";

/** The state nodes that a machine is in, with those around its states; none once it is done. */
export const nodesOf = (machine: AnyActorRef): readonly AnyStateNode[] => activeNodes(machine.getSnapshot());

/** None for a machine that could not be restored from its snapshot. */
const activeNodes = (snapshot: unknown) =>
  ((snapshot as Partial<AnyMachineSnapshot>)._nodes ?? []) as readonly AnyStateNode[];

/** The states that a machine is in, those of parallel regions side by side: `playing.round, sound.on`. */
export function statesOf(snapshot: unknown): string {
  const nodes = activeNodes(snapshot);
  const leaves = nodes.filter((node) => !nodes.some(({ parent }) => parent === node));
  return leaves.map(pathOf).join(", ");
}

/** The path of a state node; the machine's own name for a machine without states. */
export const pathOf = ({ path, key }: AnyStateNode): string => path.join(".") || key;
