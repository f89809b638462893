import type { AnyStateMachine, AnyStateNode } from "xstate";
import type {
  InvokeDescription,
  MachineDescription,
  StateDescription,
  TransitionDescription,
  Trigger,
} from "./description.ts";
import { actionOf, guardOf, isMachine, list, sourceName } from "./names.ts";
import { defined, plain } from "./plain.ts";

interface Transition {
  readonly eventType: string;
  readonly guard?: unknown;
  readonly actions: readonly unknown[];
  readonly target?: readonly AnyStateNode[] | undefined;
  readonly reenter: boolean;
  readonly description?: string;
  readonly delay?: number | string;
}

/**
 * Describes a machine from any copy of XState 5 as plain values, in source order. Does not run the machine's
 * code. A function is described by its name, or as `inline` if it is anonymous.
 *
 * @throws {TypeError} if `machine` is not an XState 5 machine.
 *
 * @example
 * ```ts
 * describeMachine(connectionMachine).root.states.map(({ key }) => key); // connecting, joined, closing, closed
 * ```
 */
export function describeMachine(machine: AnyStateMachine): MachineDescription {
  if (!isMachine(machine))
    throw new TypeError("The argument is not an XState 5 machine: pass a machine made by createMachine.");
  const { id, version, config, root } = machine;
  return defined({ id, version, context: plain(config.context), root: describeState(root) });
}

function describeState(node: AnyStateNode): StateDescription {
  const { config, initial } = node;
  const first = initial?.target?.[0] as AnyStateNode | undefined;
  return defined({
    id: node.id,
    key: node.key,
    type: node.type,
    named: node.parent !== undefined && config.id !== undefined,
    description: node.description,
    tags: node.tags as string[],
    initial: first && { target: first.id, actions: initial.actions.map(actionOf) },
    history: node.history || undefined,
    defaults: node.type === "history" ? defaultsOf(node) : undefined,
    route: config.id === undefined ? undefined : routeOf(config.route),
    // `node.entry` and `node.exit` would also contain the actions that XState adds for its timers.
    entry: list(config.entry as unknown).map(actionOf),
    exit: list(config.exit as unknown).map(actionOf),
    invokes: describeInvokes(node),
    transitions: transitionsOf(node).map(([trigger, transition]) => describeTransition(trigger, transition)),
    states: Object.values(node.states).map(describeState),
    meta: plain(node.meta),
    output: plain(node.output),
  });
}

function describeInvokes(node: AnyStateNode): InvokeDescription[] {
  const configs = list(node.config.invoke as { readonly id?: string; readonly src: unknown });
  return node.invoke.map(({ id }, index) => {
    const config = configs[index];
    return { id, src: sourceName(config?.src), named: config?.id !== undefined };
  });
}

/** XState's transition objects of a state, in the same order as in the state's description. */
export function transitionsOf(node: AnyStateNode): [Trigger, Transition][] {
  const found = [...node.transitions].flatMap(([, transitions]) => transitions as readonly Transition[]);
  const triggered = found
    // XState puts all routes into the root. A description puts each route into the target state of the route.
    .filter(({ eventType }) => eventType !== "xstate.route")
    .map((transition): [Trigger, Transition] => [triggerOf(node, transition), transition]);
  const always = (node.always ?? []) as readonly Transition[];
  return [
    ...triggered,
    ...always.map((transition): [Trigger, Transition] => [{ kind: "always" }, transition]),
  ];
}

function triggerOf(node: AnyStateNode, { eventType, delay }: Transition): Trigger {
  if (delay !== undefined) return { kind: "after", delay };
  if (eventType === `xstate.done.state.${node.id}`) return { kind: "done" };
  for (const { id } of node.invoke) {
    if (eventType === `xstate.done.actor.${id}`) return { kind: "actor", what: "done", id };
    if (eventType === `xstate.error.actor.${id}`) return { kind: "actor", what: "error", id };
    if (eventType === `xstate.snapshot.${id}`) return { kind: "actor", what: "snapshot", id };
  }
  return { kind: "event", type: eventType };
}

function describeTransition(trigger: Trigger, transition: Transition): TransitionDescription {
  const targets = transition.target?.map(({ id }) => id);
  return { trigger, ...effectsOf(transition), ...defined({ targets }) };
}

function effectsOf(transition: Partial<Transition>): Omit<TransitionDescription, "trigger" | "targets"> {
  return defined({
    guard: guardOf(transition.guard),
    actions: list(transition.actions as unknown).map(actionOf),
    reenter: transition.reenter ?? false,
    description: transition.description,
  });
}

function routeOf(route: unknown): StateDescription["route"] {
  return typeof route === "object" && route !== null ? effectsOf(route) : undefined;
}

/** The default targets of a history state, resolved as in XState: relative to the parent, or by id. */
function defaultsOf(node: AnyStateNode): string[] | undefined {
  const targets = list(node.config.target as string | undefined);
  if (targets.length === 0) return undefined;
  return targets.map((target) => {
    if (target.startsWith("#")) return node.machine.getStateNodeById(target).id;
    const path = target.split(/(?<!\\)\./).map((key) => key.replaceAll("\\.", "."));
    return path.reduce((from, key) => from.states[key] as AnyStateNode, node.parent as AnyStateNode).id;
  });
}
