import type { AnyStateMachine } from "xstate";
import { isMachine } from "./names.ts";

/** A machine that a module exports. */
export interface FoundMachine {
  /** The name of the export. For a default export, the machine's id if it fits into a single line. */
  readonly name: string;
  readonly machine: AnyStateMachine;
}

/**
 * Finds the machines that a module exports: XState machines, and the machines of `machineConsumer` classes.
 * Returns each machine once, named after its first export. Exported machines precede machines of classes.
 *
 * @example
 * ```ts
 * findMachines(await import("greenroom")).map(({ name }) => name); // connectionMachine
 * ```
 */
export function findMachines(moduleExports: object): FoundMachine[] {
  const exported = Object.entries(moduleExports);
  const { default: inner } = moduleExports as { readonly default?: unknown };
  // A CommonJS module may have its exports only under `default`.
  if (typeof inner === "object" && inner !== null && !isMachine(inner))
    exported.push(...Object.entries(inner));
  const found = new Map<AnyStateMachine, string>();
  const add = (name: string, value: unknown) => {
    if (isMachine(value) && !found.has(value)) found.set(value, name === "default" ? ownName(value) : name);
  };
  for (const [name, value] of exported) add(name, value);
  for (const [name, value] of exported) if (typeof value === "function") add(name, value.machine);
  return [...found].map(([machine, name]) => ({ name, machine }));
}

function ownName({ id }: AnyStateMachine): string {
  return /^\w[\w .-]*$/.test(id) ? id : "default";
}
