import type { AnyStateMachine } from "xstate";
import { isFor } from "../actors/event-descriptor.ts";
import { describeMachine } from "../diagrams/describe-machine.ts";
import type { StateDescription } from "../diagrams/description.ts";

/**
 * The types of the frames that a machine takes in each of its states without inner states, by the path of the
 * state. Guards are not evaluated: a frame with a guard counts as taken. If a machine is in several parallel
 * states, it takes the frames of all of them.
 */
export function framesByState(
  machine: AnyStateMachine,
  types: readonly string[],
): Readonly<Record<string, readonly string[]>> {
  const { root } = describeMachine(machine);
  const found: [string, readonly string[]][] = [];
  const visit = (
    state: StateDescription,
    path: readonly string[],
    ancestors: readonly StateDescription[],
  ) => {
    if (state.type === "history") return;
    const states = [state, ...ancestors];
    for (const child of state.states) visit(child, [...path, child.key], states);
    if (state.states.length > 0) return;
    // A machine ends in a final state of its own.
    const hasEnded = state.type === "final" && ancestors.length === 1;
    const taken = hasEnded ? [] : types.filter((type) => takes(states, `frame.${type}`));
    found.push([path.join(".") || root.key, taken]);
  };
  visit(root, [], []);
  return Object.fromEntries(found);
}

/** Whether the innermost of the states that has a transition for `event` takes it. */
function takes(states: readonly StateDescription[], event: string): boolean {
  for (const { transitions } of states) {
    const candidates = transitions
      .flatMap(({ trigger, ...transition }) =>
        trigger.kind === "event" && isFor(trigger.type, event)
          ? [{ ...transition, descriptor: trigger.type }]
          : [],
      )
      .sort((a, b) => rank(b.descriptor, event) - rank(a.descriptor, event));
    for (const { targets, actions, guard } of candidates) {
      if (targets !== undefined || actions.length > 0) return true;
      // A transition without an effect forbids the event, and hides the transitions of outer states.
      if (guard === undefined) return false;
    }
  }
  return false;
}

/** XState prefers the exact descriptor, and then the longest one. */
const rank = (descriptor: string, event: string): number =>
  descriptor === event ? Number.POSITIVE_INFINITY : descriptor.length;
