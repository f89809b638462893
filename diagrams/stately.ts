import type { AnyStateMachine } from "xstate";
import { describeMachine } from "./describe-machine.ts";
import type { StateDescription, TransitionDescription, Trigger } from "./description.ts";
import { defined } from "./plain.ts";

/** A configuration for `createMachine` as JSON. Actions, guards and actors are names without code. */
export type MachineJson = Readonly<Record<string, unknown>>;

/**
 * Writes a machine as JSON for XState's `createMachine` and Stately's editor. Actions, guards, delays and
 * actors are written by name; to run the machine, pass their implementations with `provide`. Anonymous
 * functions are `inline`. XState's own actions and guards are written as `xstate.assign`, `xstate.and` and so
 * on; they can be displayed, but not run. A context that JSON cannot represent is left out.
 *
 * A machine created from the JSON has the same description as the original, see {@link describeMachine}.
 *
 * @throws {TypeError} if `machine` is not an XState 5 machine.
 *
 * @example
 * ```ts
 * const same = createMachine(toStately(connectionMachine));
 * ```
 */
export function toStately(machine: AnyStateMachine): MachineJson {
  const { id, version, context, root } = describeMachine(machine);
  return { ...defined({ id, version, context }), ...stateJson(withTargets(root, targetsOf(root))) };
}

function stateJson(state: StateDescription): MachineJson {
  const { type, initial, transitions, invokes, states, route } = state;
  const jsonOf = (matches: (trigger: Trigger) => boolean) =>
    nonEmpty(transitions.filter(({ trigger }) => matches(trigger)).map(transitionJson));
  const ofActor = (actor: string, what: string) =>
    jsonOf((trigger) => trigger.kind === "actor" && trigger.id === actor && trigger.what === what);
  const isInferred = type === "atomic" || type === "compound";
  return defined({
    id: state.named ? state.id : undefined,
    type: isInferred ? undefined : type,
    description: state.description,
    tags: nonEmpty(state.tags),
    history: state.history,
    target: state.defaults,
    route: route && transitionJson(route),
    initial: initial && initialJson(state, initial),
    entry: nonEmpty(state.entry),
    exit: nonEmpty(state.exit),
    invoke: nonEmpty(
      invokes.map(({ id, src, named }) =>
        defined({
          id: named ? id : undefined,
          src,
          onDone: ofActor(id, "done"),
          onError: ofActor(id, "error"),
          onSnapshot: ofActor(id, "snapshot"),
        }),
      ),
    ),
    on: byKey(transitions, (trigger) => (trigger.kind === "event" ? trigger.type : undefined)),
    after: byKey(transitions, (trigger) => (trigger.kind === "after" ? String(trigger.delay) : undefined)),
    always: jsonOf(({ kind }) => kind === "always"),
    onDone: jsonOf(({ kind }) => kind === "done"),
    states: nonEmpty(states) && Object.fromEntries(states.map((child) => [child.key, stateJson(child)])),
    meta: state.meta,
    output: state.output,
  });
}

function initialJson(
  { states }: StateDescription,
  { target, actions }: NonNullable<StateDescription["initial"]>,
) {
  const key = states.find(({ id }) => id === target)?.key;
  return actions.length === 0 ? key : { target: key, actions };
}

function transitionJson(transition: Omit<TransitionDescription, "trigger">): MachineJson {
  const { targets, guard, actions, reenter, description } = transition;
  return defined({
    target: targets,
    guard,
    actions: nonEmpty(actions),
    reenter: reenter || undefined,
    description,
  });
}

function byKey(
  transitions: readonly TransitionDescription[],
  keyOf: (trigger: Trigger) => string | undefined,
): MachineJson | undefined {
  const keyed = new Map<string, MachineJson[]>();
  for (const transition of transitions) {
    const key = keyOf(transition.trigger);
    if (key !== undefined) keyed.set(key, [...(keyed.get(key) ?? []), transitionJson(transition)]);
  }
  return nonEmpty([...keyed]) && Object.fromEntries(keyed);
}

function withTargets(state: StateDescription, targets: ReadonlyMap<string, string>): StateDescription {
  const toTargets = (ids: readonly string[] | undefined) => ids?.map((id) => targets.get(id) as string);
  return {
    ...state,
    ...defined({ defaults: toTargets(state.defaults) }),
    transitions: state.transitions.map((transition) => ({
      ...transition,
      ...defined({ targets: toTargets(transition.targets) }),
    })),
    states: state.states.map((child) => withTargets(child, targets)),
  };
}

/** The reference to each state, by the state's id. Dots in names are escaped, because dots separate names. */
function targetsOf(root: StateDescription): ReadonlyMap<string, string> {
  const targets = new Map<string, string>();
  const add = (state: StateDescription, path: readonly string[]) => {
    const isPath = state.id === path.join(".") && !path.some((key) => /[\\.]/.test(key));
    targets.set(state.id, `#${isPath ? state.id : state.id.replace(/[\\.]/g, "\\$&")}`);
    for (const child of state.states) add(child, [...path, child.key]);
  };
  add(root, [root.id]);
  return targets;
}

function nonEmpty<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items;
}
