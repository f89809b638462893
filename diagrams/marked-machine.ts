import type { AnyStateMachine, AnyStateNode } from "xstate";
import { describeMachine, transitionsOf } from "./describe-machine.ts";
import type { StateDescription, TransitionDescription } from "./description.ts";
import { arrowMark, dotOf, markedBoxes } from "./dot.ts";
import { type Box, type Drawing, drawingOf } from "./drawing.ts";

/** A state that is drawn: all of them, and the machine itself where it has more to show than states. */
export interface MarkedState {
  /** `s1`, `s2`, … */
  readonly mark: string;
  /** `joined`, or `playing.round` for a state within a state; the machine itself by its id. */
  readonly path: string;
  /** 0 at the top. */
  readonly depth: number;
  readonly type: StateDescription["type"];
}

/** An arrow that is drawn. One that leads to the first state has no mark. */
export interface MarkedArrow {
  /** `a1`, `a2`, … */
  readonly mark: string;
  /** Marks of states. */
  readonly from: string;
  readonly to: readonly string[];
  /** Empty for where a history leads while there is none. */
  readonly label: string;
}

/**
 * A machine with its picture, whose parts can be told apart: for whoever shows in it what its actors do.
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

  /** The mark of a state, by the id that XState gives it. None for what is not drawn: a machine that has nothing but states. */
  markOfState(id: string): string | undefined {
    return this.#stateMarks.get(id);
  }

  /**
   * Where a transition of this machine shows, one of those that a microstep in XState's inspection has: the mark of its arrow;
   * of the state whose box has a line for it where it has none, which for a route is the state that it leads to.
   */
  markOfTransition(transition: unknown): string | undefined {
    return this.#transitionMarks.get(transition);
  }

  /**
   * In DOT, from which an SVG is made where each state and each arrow is a group with its mark as a class, beside those that it
   * has in every picture. The parts of an arrow that forks all have its mark.
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
