import type { AnyStateMachine, AnyStateNode } from "xstate";
import { describeMachine, transitionsOf } from "./describe-machine.ts";
import type { StateDescription, TransitionDescription } from "./description.ts";
import { arrowMark, dotOf, markedBoxes } from "./dot.ts";
import { type Box, type Drawing, drawingOf } from "./drawing.ts";

/** A state in the picture. The machine itself is one if it has details to show. */
export interface MarkedState {
  /** `s1`, `s2`, … */
  readonly mark: string;
  /** For example `joined`, or `playing.round` for a nested state; the id for the machine itself. */
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
 * A machine with a picture in which states and arrows have marks, so that a page can highlight them.
 *
 * @throws {TypeError} if the argument is not an XState 5 machine.
 */
export class MarkedMachine {
  readonly name: string;
  /** In source order, parents before children. */
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

  /** The mark of a state, by its XState id; undefined if the state is the machine itself and not drawn. */
  markOfState(id: string): string | undefined {
    return this.#stateMarks.get(id);
  }

  /**
   * The mark of a transition object from a microstep of XState's inspection: that of its arrow, or else of
   * the state whose box has a line for it. For a route that state is the target.
   */
  markOfTransition(transition: unknown): string | undefined {
    return this.#transitionMarks.get(transition);
  }

  /**
   * DOT for an SVG in which each state and arrow, including all parts of a fork, is a group with its mark as
   * a class.
   */
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

/** Paths do not include the machine itself, as in the value of a snapshot. */
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
