import type { AnyActorRef, AnyMachineSnapshot, AnyStateNode } from "xstate";

/** The active state nodes of a machine, including parents; empty when the machine is done. */
export const nodesOf = (machine: AnyActorRef): readonly AnyStateNode[] => activeNodes(machine.getSnapshot());

/** The active state nodes of a snapshot; empty if the machine could not be restored from its snapshot. */
const activeNodes = (snapshot: unknown) =>
  ((snapshot as Partial<AnyMachineSnapshot>)._nodes ?? []) as readonly AnyStateNode[];

/** The active states as text. States of parallel regions are joined, as in `playing.round, sound.on`. */
export function statesOf(snapshot: unknown): string {
  const nodes = activeNodes(snapshot);
  const leaves = nodes.filter((node) => !nodes.some(({ parent }) => parent === node));
  return leaves.map(pathOf).join(", ");
}

/** The path of a state node; the machine's name if the machine has no states. */
export const pathOf = ({ path, key }: AnyStateNode): string => path.join(".") || key;
