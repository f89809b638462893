import type { MachineDescription, StateDescription, TransitionDescription } from "./description.ts";
import { stateLines, transitionLabel, triggerLabel } from "./labels.ts";

/** A machine as boxes and arrows, as Mermaid and Graphviz need it. */
export interface Drawing {
  readonly title: string;
  /** The machine's states; the machine itself if it has more to show than states. */
  readonly boxes: readonly Box[];
  /** Where the machine begins, if it is not among the boxes itself. */
  readonly initial?: StateDescription["initial"];
  readonly arrows: readonly Arrow[];
}

export interface Box {
  readonly state: StateDescription;
  readonly title: string;
  /** What is written under its title, the transitions that stay within it included. */
  readonly lines: readonly string[];
  readonly boxes: readonly Box[];
}

export interface Arrow {
  readonly from: Box;
  /** Several where it leads into regions of a parallel state. */
  readonly to: readonly Box[];
  readonly label: string;
  /** What it stands for; none for where a history leads while there is none. */
  readonly transitions: readonly TransitionDescription[];
}

/**
 * Lays a machine out into boxes and arrows. Transitions of one state that differ only in their event share an
 * arrow. What leads to no other place, into the state's own inside, or out to a state around it, is a line in
 * its box: neither Mermaid nor Graphviz draws an arrow between a box and one within it, or from a box of
 * boxes to itself.
 */
export function drawingOf({ id, root }: MachineDescription): Drawing {
  const boxes = new Map<string, Box>();
  const arrows: (() => Arrow)[] = [];

  const boxOf = (state: StateDescription, around: readonly string[]): Box => {
    const isInside = (target: string) => around.includes(target) || contains(state, target);
    const groups = grouped(state);
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
    const inner = [...around, state.id];
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

  const whole = boxOf(root, []);
  const bare =
    root.type === "compound" && whole.lines.length === 0 && !arrows.some((arrow) => touches(arrow(), whole));
  return {
    title: id,
    boxes: bare ? whole.boxes : [whole],
    ...(bare && root.initial ? { initial: root.initial } : {}),
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

function grouped(state: StateDescription): Group[] {
  const groups = new Map<string, [TransitionDescription, ...TransitionDescription[]]>();
  for (const [index, transition] of state.transitions.entries()) {
    const { trigger, ...rest } = transition;
    // A guard is asked in order: only what has none can share.
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
