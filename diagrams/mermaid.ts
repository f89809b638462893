import type { AnyStateMachine } from "xstate";
import { describeMachine } from "./describe-machine.ts";
import { type Box, drawingOf } from "./drawing.ts";
import { initialLabel } from "./labels.ts";

/** Options of a picture. */
export interface PictureOptions {
  /** The direction of arrows: top to bottom, or left to right. @default "TB" */
  readonly direction?: "TB" | "LR";
}

/**
 * Writes a machine as a Mermaid state diagram (`stateDiagram-v2`), which GitHub renders as a picture. The
 * output is deterministic. Names are escaped; a line break in a name is shown as `↵`.
 *
 * @throws {TypeError} if `machine` is not an XState 5 machine.
 *
 * @example
 * ```ts
 * const diagram = toMermaid(connectionMachine, { direction: "LR" });
 * ```
 */
export function toMermaid(machine: AnyStateMachine, { direction = "TB" }: PictureOptions = {}): string {
  const drawing = drawingOf(describeMachine(machine));
  const ids = idsOf(drawing.boxes);
  const id = (state: string) => ids.get(state) as string;
  const lines = ["stateDiagram-v2"];
  if (direction !== "TB") lines.push(`  direction ${direction}`);

  const writeInitial = ({ target, actions }: NonNullable<Box["state"]["initial"]>, indent: string) => {
    lines.push(`${indent}[*] --> ${id(target)}${labelled(initialLabel(actions))}`);
  };
  const writeBox = ({ state, title, lines: within, boxes }: Box, indent: string) => {
    const own = id(state.id);
    if (boxes.length > 0) {
      lines.push(`${indent}state "${escaped(title)}" as ${own} {`);
      if (state.initial) writeInitial(state.initial, `${indent}  `);
      for (const [index, box] of boxes.entries()) {
        if (index > 0 && state.type === "parallel") lines.push(`${indent}  --`);
        writeBox(box, `${indent}  `);
      }
      lines.push(`${indent}}`);
      if (within.length > 0) {
        const note = within.map((line) => `${indent}  ${escaped(line)}`);
        lines.push(`${indent}note right of ${own}`, ...note, `${indent}end note`);
      }
      return;
    }
    if (own === title && within.length === 0) lines.push(`${indent}${own}`);
    else lines.push(`${indent}state "${escaped(title)}" as ${own}`);
    for (const line of within) lines.push(`${indent}${own} : ${escaped(line)}`);
    if (state.type === "final") lines.push(`${indent}${own} --> [*]`);
  };

  if (drawing.initial) writeInitial(drawing.initial, "  ");
  for (const box of drawing.boxes) writeBox(box, "  ");
  let forks = 0;
  for (const { from, to, label } of drawing.arrows) {
    const [first, ...others] = to.map(({ state }) => id(state.id));
    if (others.length === 0) {
      lines.push(`  ${id(from.state.id)} --> ${first}${labelled(label)}`);
      continue;
    }
    forks += 1;
    lines.push(
      `  state fork_${forks}_ <<fork>>`,
      `  ${id(from.state.id)} --> fork_${forks}_${labelled(label)}`,
    );
    lines.push(...[first, ...others].map((target) => `  fork_${forks}_ --> ${target}`));
  }
  return `${lines.join("\n")}\n`;
}

function labelled(label: string): string {
  return label === "" ? "" : ` : ${escaped(label)}`;
}

/** Words that Mermaid does not accept as ids, and ids that Mermaid gives to its own boxes. */
const reserved =
  /^(state|note|end|as|class|classdef|style|default|direction|click|href|hide|scale|root|acctitle|accdescr|statediagram.*|.*_(start|end)?|.*style.*|.*classdef.*)$/i;

/** The Mermaid id of each state: the state's key if it is valid and unique, otherwise a numbered id. */
function idsOf(boxes: readonly Box[]): Map<string, string> {
  const ids = new Map<string, string>();
  const taken = new Set<string>();
  const add = ({ state, boxes: inner }: Box) => {
    const plain = /^[A-Za-z]\w*$/.test(state.key) && !reserved.test(state.key) && !(state.key in {});
    const wanted = plain ? state.key : "state";
    let id = plain ? wanted : `${wanted}_1`;
    for (let number = 2; taken.has(id); number += 1) id = `${wanted}_${number}`;
    taken.add(id);
    ids.set(state.id, id);
    for (const box of inner) add(box);
  };
  for (const box of boxes) add(box);
  return ids;
}

/**
 * Replaces characters that are special in Mermaid, HTML or Markdown by Mermaid entities. Also escapes
 * "direction" and "end", because Mermaid reads lines with "direction LR" or "end note" as commands.
 */
function escaped(text: string): string {
  return text
    .replace(/\r\n?|\n|\u2028|\u2029/g, "↵")
    .replace(/\p{Cc}/gu, "�")
    .replace(
      /[#;:"<>&{}\\`*~$%@|^]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|\[{2,}|\]{2,}|--+|^\s|\s$|(?<=\s)\s/g,
      (found) => [...found].map((character) => `#${character.codePointAt(0)};`).join(""),
    )
    .replace(/direction/gi, (found) => `#${found.codePointAt(0)};${found.slice(1)}`)
    .replace(/\bend(?=\s+note)/gi, (found) => `#${found.codePointAt(0)};${found.slice(1)}`);
}
