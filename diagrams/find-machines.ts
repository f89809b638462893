import type { AnyStateMachine } from "xstate";
import { isMachine } from "./names.ts";

export interface FoundMachine {
  /** The name that it is exported by; for a default export the machine's id, if that can stand in a line of text. */
  readonly name: string;
  readonly machine: AnyStateMachine;
}

/**
 * Finds the machines among what a module exports: XState machines, and what `machineConsumer` made of them. One that is exported
 * more than once is found once, by the name of the machine itself.
 *
 * @example
 * ```ts
 * findMachines(await import("./turnstile.ts")).map(({ name }) => name);
 * ```
 */
export function findMachines(moduleExports: object): FoundMachine[] {
  const exported = Object.entries(moduleExports);
  // What a CommonJS module exports may be found under `default` only.
  const common = exported.flatMap(([name, value]) =>
    name === "default" && isRecord(value) ? Object.entries(value) : [],
  );
  const all = [...exported, ...common];
  const found = new Map<AnyStateMachine, string>();
  for (const machineOf of [machineItself, consumedMachine]) {
    for (const [name, value] of all) {
      const machine = machineOf(value);
      if (machine !== undefined && !found.has(machine))
        found.set(machine, name === "default" ? ownName(machine) : name);
    }
  }
  return [...found].map(([machine, name]) => ({ name, machine }));
}

function machineItself(value: unknown): AnyStateMachine | undefined {
  return isMachine(value) ? (value as AnyStateMachine) : undefined;
}

function consumedMachine(value: unknown): AnyStateMachine | undefined {
  return typeof value === "function"
    ? machineItself((value as { readonly machine?: unknown }).machine)
    : undefined;
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !isMachine(value);
}

function ownName({ id }: AnyStateMachine): string {
  return /^\w[\w .-]*$/.test(id) ? id : "default";
}
