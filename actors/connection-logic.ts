import { type ConnectionEvent, connectionMachine, effectsOf, exitOf, open } from "./connection-machine.ts";
import { isInspected } from "./inspected.ts";

type Logic = typeof connectionMachine;
type Snapshot = ReturnType<Logic["transition"]>;
type State = Snapshot["value"];

/** A state's snapshot, before it is known how the connection ends, and where its events lead. */
interface Entry {
  readonly snapshot: Snapshot;
  readonly targets: ReadonlyMap<string, State>;
}

const entries = {} as Record<State, Entry>;
for (const { key, on } of Object.values(connectionMachine.states)) {
  const snapshot = connectionMachine.resolveState({ value: key as State, context: { exit: open } });
  const targets = Object.entries(on).flatMap(([type, [first]]) =>
    (first?.target ?? []).map((target) => [type, target.key as State] as const),
  );
  entries[key as State] = { snapshot, targets: new Map(targets) };
}

const shortcuts: Pick<Logic, "getInitialSnapshot" | "transition"> = {
  getInitialSnapshot(scope, input) {
    if (isInspected(scope.system)) return connectionMachine.getInitialSnapshot(scope, input);
    return entries.connecting.snapshot;
  },

  transition(snapshot, event, scope) {
    const { context, value } = snapshot;
    const target = entries[value].targets.get(event.type);
    if (target === undefined || isInspected(scope.system)) {
      return connectionMachine.transition(snapshot, event, scope);
    }
    const next = entries[target].snapshot;
    if (target === "closed") return { ...next, context, output: context.exit } as Snapshot;
    if (target !== "closing") return next;
    const exit = exitOf(event as ConnectionEvent, value === "joined");
    effectsOf(scope.self).cleanUp(exit);
    return { ...next, context: { exit } } as Snapshot;
  },
};

/**
 * {@link connectionMachine}, run as XState runs it and with the same snapshots, at about a third of the cost: what XState
 * works out at each transition is looked up here. While somebody inspects its system, XState does it all, so that they see
 * every microstep and action.
 */
export const connectionLogic = Object.assign(Object.create(connectionMachine) as Logic, shortcuts);
