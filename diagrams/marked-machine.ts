import type { AnyStateMachine, AnyStateNode } from "xstate";
import { describeMachine, transitionsOf } from "./describe-machine.ts";
import type { StateDescription, TransitionDescription } from "./description.ts";
import { arrowMark, dotOf, markedBoxes } from "./dot.ts";
import { type Box, type Drawing, drawingOf } from "./drawing.ts";

/** A state in the picture. The machine itself is one if it has more to show than states. */
export interface MarkedState {
  /** `s1`, `s2`, … */
  readonly mark: string;
  /** `joined`, or `playing.round` for a state within a state; the machine itself by its id. */
  readonly path: string;
  /** 0 at the top. */
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
  /** Empty for the default of a history state. */
  readonly label: string;
}

/**
 * A machine with a picture whose states and arrows have marks, for showing in it what actors do.
 *
 * @throws {TypeError} for what is no machine of XState 5.
 */
export class MarkedMachine {
  readonly name: string;
  /** From the outside in, as they were written. */
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

  /** The mark of a state, by its XState id; undefined if it is not drawn: a machine of nothing but states. */
  markOfState(id: string): string | undefined {
    return this.#stateMarks.get(id);
  }

  /**
   * The mark of a transition of this machine, as a microstep of XState's inspection has it: that of its
   * arrow; without an arrow, that of the state whose box has a line for it, which for a route is its target.
   */
  markOfTransition(transition: unknown): string | undefined {
    return this.#transitionMarks.get(transition);
  }

  /**
   * DOT for an SVG in which each state and each arrow is a group with its mark as a further class, all parts
   * of a fork included.
   */
  get dot(): string {
    return dotOf(this.#drawing, { direction: "TB", marked: true });
  }

  #markTransitions(
    node: AnyStateNode,
    state: StateDescription,
    arrowMarks: ReadonlyMap<TransitionDescription, string>,
  ): void {
    const show = (transition: unknown, mark: string | undefined) => {
      if (mark !== undefined) this.#transitionMarks.set(transition, mark);
    };
    for (const [index, [, transition]] of transitionsOf(node).entries()) {
      const described = state.transitions[index] as TransitionDescription;
      show(transition, arrowMarks.get(described) ?? this.markOfState(state.id));
    }
    for (const route of node.transitions.get("xstate.route") ?? []) {
      const [target] = (route.target ?? []) as readonly AnyStateNode[];
      if (target !== undefined) show(route, this.markOfState(target.id));
    }
    for (const [index, child] of Object.values(node.states).entries())
      this.#markTransitions(child, state.states[index] as StateDescription, arrowMarks);
  }
}

type Place = Pick<MarkedState, "path" | "depth">;

/** The machine itself is in no path but its own: what is in it is called as it is in a state's value. */
function placesOf(
  box: Box,
  root: StateDescription,
  around: readonly string[],
  depth: number,
): [Box, Place][] {
  const keys = [...around, box.state.key];
  const inner = box.state === root ? [] : keys;
  return [
    [box, { path: keys.join("."), depth }],
    ...box.boxes.flatMap((within) => placesOf(within, root, inner, depth + 1)),
  ];
}
