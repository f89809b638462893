import type { MachineDescription, StateDescription, TransitionDescription } from "./description.ts";
import { stateLines, transitionLabel, triggerLabel } from "./labels.ts";

export interface Drawing {
  readonly title: string;
  /** The top-level states, or a single box for the machine itself if it has actions or other details. */
  readonly boxes: readonly Box[];
  /** The initial state. Absent if the machine itself is a box. */
  readonly initial?: StateDescription["initial"];
  readonly arrows: readonly Arrow[];
}

export interface Box {
  readonly state: StateDescription;
  readonly title: string;
  /** The lines under the title, including a line for each transition without an arrow. */
  readonly lines: readonly string[];
  readonly boxes: readonly Box[];
}

export interface Arrow {
  readonly from: Box;
  /** Has several boxes if the arrow enters several regions of a parallel state. */
  readonly to: readonly Box[];
  readonly label: string;
  /** The transitions that the arrow represents; empty for the default of a history state. */
  readonly transitions: readonly TransitionDescription[];
}

/**
 * Divides a machine into boxes and arrows. Transitions that differ only in their event share an arrow. A
 * transition without a target is a line of text in the box of its state. A transition to a descendant or
 * ancestor, or from a compound state to itself, is a line of text, too, because neither Mermaid nor Graphviz
 * draws an arrow between a box and its contents.
 */
export function drawingOf({ id, root }: MachineDescription): Drawing {
  const boxes = new Map<string, Box>();
  const arrows: (() => Arrow)[] = [];

  const boxOf = (state: StateDescription, ancestors: readonly string[]): Box => {
    const isInside = (target: string) => ancestors.includes(target) || contains(state, target);
    const groups = groupTransitions(state);
    const drawn = (targets: readonly string[]) =>
      targets.every((target) => (target === state.id ? state.states.length === 0 : !isInside(target)));
    const lines: string[] = stateLines(state);
    for (const { label, targets, transitions } of groups) {
      if (targets === undefined) lines.push(label);
      else if (!drawn(targets))
        lines.push(`${label} → ${targets.map((target) => nameOf(root, target)).join(", ")}`);
      else arrows.push(() => ({ from: find(state.id), to: targets.map(find), label, transitions }));
    }
    const { defaults } = state;
    if (defaults !== undefined)
      arrows.push(() => ({ from: find(state.id), to: defaults.map(find), label: "", transitions: [] }));
    const inner = [...ancestors, state.id];
    const box = {
      state,
      title: titleOf(state),
      lines,
      boxes: state.states.map((child) => boxOf(child, inner)),
    };
    boxes.set(state.id, box);
    return box;
  };
  const find = (target: string) => boxes.get(target) as Box;

  const rootBox = boxOf(root, []);
  const isRootHidden =
    root.type === "compound" &&
    rootBox.lines.length === 0 &&
    !arrows.some((arrow) => touches(arrow(), rootBox));
  return {
    title: id,
    boxes: isRootHidden ? rootBox.boxes : [rootBox],
    ...(isRootHidden && root.initial ? { initial: root.initial } : {}),
    arrows: arrows.map((arrow) => arrow()),
  };
}

function touches({ from, to }: Arrow, box: Box): boolean {
  return from === box || to.includes(box);
}

function contains(state: StateDescription, id: string): boolean {
  return state.states.some((child) => child.id === id || contains(child, id));
}

function nameOf(root: StateDescription, id: string): string {
  const find = (state: StateDescription): StateDescription | undefined =>
    state.id === id ? state : state.states.map(find).find((found) => found !== undefined);
  const found = find(root);
  return found === undefined ? id : titleOf(found);
}

function titleOf({ key, type, history }: StateDescription): string {
  return type === "history" ? `${key} (${history === "deep" ? "H*" : "H"})` : key;
}

interface Group {
  readonly label: string;
  readonly targets: readonly string[] | undefined;
  readonly transitions: readonly TransitionDescription[];
}

function groupTransitions(state: StateDescription): Group[] {
  const groups = new Map<string, [TransitionDescription, ...TransitionDescription[]]>();
  for (const [index, transition] of state.transitions.entries()) {
    const { trigger, ...rest } = transition;
    // Only transitions without a guard can share an arrow, because guards are evaluated in order.
    const own = transition.guard || trigger.kind !== "event" || transition.targets === undefined ? index : "";
    const key = JSON.stringify([rest, own]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [transition]);
    else group.push(transition);
  }
  return [...groups.values()].map((transitions) => {
    const [first] = transitions;
    const { description, targets } = first;
    const triggers = transitions.map(({ trigger }) => triggerLabel(trigger, state));
    const label = transitionLabel(triggers.join(", "), first);
    return { label: description === undefined ? label : `${label} — ${description}`, targets, transitions };
  });
}
