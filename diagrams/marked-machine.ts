import type { AnyStateMachine, AnyStateNode } from "xstate";
import { describeMachine, transitionsOf } from "./describe-machine.ts";
import type { StateDescription, TransitionDescription } from "./description.ts";
import { arrowMark, dotOf, markedBoxes } from "./dot.ts";
import { type Box, type Drawing, drawingOf } from "./drawing.ts";

/** A state in the picture. The machine itself is also a state in the picture if it has details to show. */
export interface MarkedState {
  /** `s1`, `s2`, … */
  readonly mark: string;
  /** The path, such as `joined`, or `playing.round` for a nested state. For the machine itself, its id. */
  readonly path: string;
  /** The number of states in the picture that contain this state. */
  readonly depth: number;
  readonly type: StateDescription["type"];
}

/** An arrow in the picture. The arrow to the initial state has no mark. */
export interface MarkedArrow {
  /** `a1`, `a2`, … */
  readonly mark: string;
  /** Marks of states. */
  readonly from: string;
  readonly to: readonly string[];
  /** The text of the arrow; empty for the default target of a history state. */
  readonly label: string;
}

/** A machine with its picture. Each state and arrow has a mark, by which a page can highlight it. */
export class MarkedMachine {
  readonly name: string;
  /** The states in source order. Parents precede their children. */
  readonly states: readonly MarkedState[];
  readonly arrows: readonly MarkedArrow[];
  readonly #drawing: Drawing;
  readonly #stateMarks = new Map<string, string>();
  readonly #transitionMarks = new Map<unknown, string>();

  constructor(machine: AnyStateMachine) {
    const description = describeMachine(machine);
    this.name = description.id;
    this.#drawing = drawingOf(description);
    const boxes = [...markedBoxes(this.#drawing)];
    for (const [mark, { state }] of boxes) this.#stateMarks.set(state.id, mark);
    const places = new Map(this.#drawing.boxes.flatMap((box) => placesOf(box, description.root, [], 0)));
    this.states = boxes.map(([mark, box]) => ({ mark, type: box.state.type, ...(places.get(box) as Place) }));
    const markOf = ({ state }: Box) => this.#stateMarks.get(state.id) as string;
    this.arrows = this.#drawing.arrows.map(({ from, to, label }, index) => ({
      mark: arrowMark(index),
      from: markOf(from),
      to: to.map(markOf),
      label,
    }));
    const arrowMarks = this.#drawing.arrows.flatMap(({ transitions }, index) =>
      transitions.map((transition) => [transition, arrowMark(index)] as const),
    );
    this.#markTransitions(machine.root, description.root, new Map(arrowMarks));
  }

  /** The mark of the state with this XState id; undefined for the machine's id if the machine has no box. */
  markOfState(id: string): string | undefined {
    return this.#stateMarks.get(id);
  }

  /**
   * Returns the mark of a transition's arrow. `transition` is an object from XState's inspection. If the
   * transition has no arrow, returns the mark of the state whose box lists the transition. For a route,
   * returns the mark of the target state.
   */
  markOfTransition(transition: unknown): string | undefined {
    return this.#transitionMarks.get(transition);
  }

  /** DOT for an SVG in which the class of each state or arrow is its mark. Parts of an arrow share a mark. */
  get dot(): string {
    return dotOf(this.#drawing, { direction: "TB", marked: true });
  }

  #markTransitions(
    node: AnyStateNode,
    state: StateDescription,
    arrowMarks: ReadonlyMap<TransitionDescription, string>,
  ): void {
    const setMark = (transition: unknown, mark: string | undefined) => {
      if (mark !== undefined) this.#transitionMarks.set(transition, mark);
    };
    for (const [index, [, transition]] of transitionsOf(node).entries()) {
      const described = state.transitions[index] as TransitionDescription;
      setMark(transition, arrowMarks.get(described) ?? this.markOfState(state.id));
    }
    for (const route of node.transitions.get("xstate.route") ?? []) {
      const [target] = (route.target ?? []) as readonly AnyStateNode[];
      if (target !== undefined) setMark(route, this.markOfState(target.id));
    }
    for (const [index, child] of Object.values(node.states).entries())
      this.#markTransitions(child, state.states[index] as StateDescription, arrowMarks);
  }
}

type Place = Pick<MarkedState, "path" | "depth">;

/** The path and depth of each box. As in a snapshot's value, the path of a state omits the machine itself. */
function placesOf(
  box: Box,
  root: StateDescription,
  ancestors: readonly string[],
  depth: number,
): [Box, Place][] {
  const keys = [...ancestors, box.state.key];
  const inner = box.state === root ? [] : keys;
  return [
    [box, { path: keys.join("."), depth }],
    ...box.boxes.flatMap((within) => placesOf(within, root, inner, depth + 1)),
  ];
}
