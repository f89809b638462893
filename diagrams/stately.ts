import type { AnyStateMachine } from "xstate";
import { describeMachine } from "./describe-machine.ts";
import type { Named, StateDescription, TransitionDescription } from "./description.ts";
import { present } from "./plain.ts";

/** What `createMachine` takes, as JSON: the names of actions, guards and actors, and not what they do. */
export type MachineJson = Readonly<Record<string, unknown>>;

/**
 * Writes a machine as the JSON that `createMachine` of XState 5 and Stately's editor take. Actions, guards, delays and
 * actors are there by their names: their implementations are given with `provide`, or not, to look at the machine. Functions
 * without a name are `inline`; XState's own actions and guards are there as `xstate.assign`, `xstate.and` and so on, to
 * be seen, not to be run. A context that is no plain value is left out.
 *
 * A machine made from it has the same description, see {@link describeMachine}.
 *
 * @throws {TypeError} for what is no machine of XState 5.
 *
 * @example
 * ```ts
 * const same = createMachine(toStately(connectionMachine));
 * ```
 */
export function toStately(machine: AnyStateMachine): MachineJson {
  const { id, version, context, root } = describeMachine(machine);
  return { ...present({ id, version, context }), ...stateJson(addressed(root, targetsOf(root))) };
}

function stateJson(state: StateDescription): MachineJson {
  const { type, initial, transitions, invokes, states, route } = state;
  const of = (kind: TransitionDescription["trigger"]["kind"]) =>
    transitions.filter(({ trigger }) => trigger.kind === kind).map(transitionJson);
  const inferred = type === "atomic" || type === "compound";
  return present({
    id: state.named ? state.id : undefined,
    type: inferred ? undefined : type,
    description: state.description,
    tags: some(state.tags),
    history: state.history,
    target: state.defaults,
    route: route && effectsJson(route),
    initial: initial && initialJson(state, initial),
    entry: some(state.entry),
    exit: some(state.exit),
    invoke: some(
      invokes.map(({ id, src, named }) =>
        present({ id: named ? id : undefined, src, ...actorTransitions(transitions, id) }),
      ),
    ),
    on: table(transitions, ({ trigger }) => (trigger.kind === "event" ? trigger.type : undefined)),
    after: table(transitions, ({ trigger }) =>
      trigger.kind === "after" ? String(trigger.delay) : undefined,
    ),
    always: some(of("always")),
    onDone: some(of("done")),
    states: states.length === 0 ? undefined : record(states.map((child) => [child.key, stateJson(child)])),
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

function transitionJson(transition: TransitionDescription): MachineJson {
  return {
    ...present({ target: transition.targets }),
    ...effectsJson(transition),
  };
}

function effectsJson({
  guard,
  actions,
  reenter,
  description,
}: Pick<TransitionDescription, "guard" | "actions" | "reenter" | "description">): MachineJson {
  return present({ guard, actions: some<Named>(actions), reenter: reenter || undefined, description });
}

function actorTransitions(transitions: readonly TransitionDescription[], id: string): MachineJson {
  const when = (what: string) =>
    some(
      transitions
        .filter(({ trigger }) => trigger.kind === "actor" && trigger.id === id && trigger.what === what)
        .map(transitionJson),
    );
  return present({ onDone: when("done"), onError: when("error"), onSnapshot: when("snapshot") });
}

function table(
  transitions: readonly TransitionDescription[],
  keyOf: (transition: TransitionDescription) => string | undefined,
): MachineJson | undefined {
  const keyed = grouped(transitions, keyOf);
  return keyed.size === 0 ? undefined : record([...keyed]);
}

function grouped(
  transitions: readonly TransitionDescription[],
  keyOf: (transition: TransitionDescription) => string | undefined,
): Map<string, MachineJson[]> {
  const keyed = new Map<string, MachineJson[]>();
  for (const transition of transitions) {
    const key = keyOf(transition);
    if (key === undefined) continue;
    const before = keyed.get(key) ?? [];
    keyed.set(key, [...before, transitionJson(transition)]);
  }
  return keyed;
}

/** The state with targets as they are written in a machine, instead of ids. */
function addressed(state: StateDescription, targets: ReadonlyMap<string, string>): StateDescription {
  const written = (ids: readonly string[] | undefined) => ids?.map((id) => targets.get(id));
  return {
    ...state,
    ...present({ defaults: written(state.defaults) as string[] | undefined }),
    transitions: state.transitions.map(
      (transition) =>
        present({ ...transition, targets: written(transition.targets) }) as TransitionDescription,
    ),
    states: state.states.map((child) => addressed(child, targets)),
  };
}

/** By id. A dot leads from a state into another, so one that is part of an id or a key is escaped. */
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

/** Also with a key as `__proto__` among them. */
function record(entries: readonly (readonly [string, unknown])[]): MachineJson {
  return Object.fromEntries(entries);
}

function some<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items;
}
