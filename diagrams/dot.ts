import type { AnyStateMachine } from "xstate";
import { describeMachine } from "./describe-machine.ts";
import { type Box, type Drawing, drawingOf } from "./drawing.ts";
import { initialLabel } from "./labels.ts";
import type { PictureOptions } from "./mermaid.ts";

/**
 * Writes a machine in Graphviz's language DOT. Compound states are clusters. Names are escaped. The output is
 * deterministic.
 *
 * @throws {TypeError} if `machine` is not an XState 5 machine.
 */
export function toDot(machine: AnyStateMachine, { direction = "TB" }: PictureOptions = {}): string {
  return dotOf(drawingOf(describeMachine(machine)), { direction, marked: false });
}

/** The drawn states by mark (`s1`, `s2`, …). Parents precede their children. */
export function markedBoxes({ boxes }: Drawing): Map<string, Box> {
  const withInner = (box: Box): Box[] => [box, ...box.boxes.flatMap(withInner)];
  return new Map(boxes.flatMap(withInner).map((box, index) => [`s${index + 1}`, box]));
}

export const arrowMark = (index: number): string => `a${index + 1}`;

/** Like {@link toDot}. With `marked`, states, arrows and the parts of forked arrows have marks as classes. */
export function dotOf(
  drawing: Drawing,
  { direction, marked }: { readonly direction: "TB" | "LR"; readonly marked: boolean },
): string {
  const boxes = [...markedBoxes(drawing)];
  const names = new Map(boxes.map(([mark, { state }]) => [state.id, mark]));
  const boxesById = new Map(boxes.map(([, box]) => [box.state.id, box]));
  const name = ({ id }: Box["state"]) => names.get(id) as string;
  const find = (id: string) => boxesById.get(id) as Box;
  const classes = (own: string, mark: string) => `class="${marked ? `${own} ${mark}` : own}"`;

  const lines = [
    `digraph "${quoted(drawing.title)}" {`,
    `  graph [rankdir=${direction}, compound=true, bgcolor="transparent", fontname="Helvetica", fontsize=13, nodesep=0.35, ranksep=0.45]`,
    `  node [shape=box, style="rounded", fontname="Helvetica", fontsize=13, margin="0.18,0.08", height=0.4]`,
    `  edge [fontname="Helvetica", fontsize=11, arrowsize=0.7]`,
  ];

  const writeArrow = (tail: string, head: Box, label: string, attributes: readonly string[] = []) => {
    const all = [...attributes];
    if (label !== "") all.push(`label=<${arrowText(label)}>`);
    if (head.boxes.length > 0) all.push(`lhead="cluster_${name(head.state)}"`);
    lines.push(`  ${tail} -> ${anchor(head)}${all.length > 0 ? ` [${all.join(", ")}]` : ""}`);
  };
  /** The node that stands for a box at the ends of arrows, because Graphviz draws no arrows to clusters. */
  const anchor = (box: Box): string => {
    const [first] = box.boxes;
    if (first === undefined) return name(box.state);
    return box.state.initial ? `${name(box.state)}_initial` : anchor(first);
  };
  /** Arrows from a box start at its last inner node, so that Graphviz places the target below the box. */
  const origin = (box: Box): string => {
    const last = box.boxes.findLast(({ state }) => state.type !== "history") ?? box.boxes.at(-1);
    return last === undefined ? name(box.state) : origin(last);
  };
  const writeInitial = (own: string, { target, actions }: NonNullable<Box["state"]["initial"]>) => {
    lines.push(
      `  ${own}_initial [shape=circle, style="filled", class="mark", label="", width=0.14, height=0.14]`,
    );
    writeArrow(`${own}_initial`, find(target), initialLabel(actions));
  };
  const writeBox = (box: Box, region: boolean) => {
    const { state, boxes } = box;
    const own = name(state);
    if (boxes.length === 0) {
      const shape =
        state.type === "final" ? ", peripheries=2" : state.type === "history" ? ", shape=ellipse" : "";
      lines.push(`  ${own} [${classes(`state ${state.type}`, own)}, label=<${boxText(box)}>${shape}]`);
      return;
    }
    const style = region ? "rounded,dashed" : "rounded";
    lines.push(`  subgraph "cluster_${own}" {`);
    lines.push(
      `  graph [${classes(`box ${state.type}`, own)}, style="${style}", margin=14, label=<${boxText(box)}>]`,
    );
    if (state.initial) writeInitial(own, state.initial);
    for (const inner of boxes) writeBox(inner, state.type === "parallel");
    lines.push("  }");
  };

  if (drawing.initial) writeInitial("machine", drawing.initial);
  for (const box of drawing.boxes) writeBox(box, false);
  let forks = 0;
  for (const [index, { from, to, label }] of drawing.arrows.entries()) {
    const mark = arrowMark(index);
    const own = marked ? [`class="${mark}"`] : [];
    const border = from.boxes.length > 0 ? [`ltail="cluster_${name(from.state)}"`] : [];
    const [only, ...others] = to;
    if (only === undefined) continue;
    if (others.length === 0) {
      writeArrow(origin(from), only, label, [...own, ...border]);
      continue;
    }
    forks += 1;
    const attributes = `shape=box, style="filled", ${classes("mark", mark)}, label="", width=0.9, height=0.06`;
    const text = label === "" ? "" : `, label=<${arrowText(label)}>`;
    lines.push(`  fork_${forks} [${attributes}]`);
    lines.push(
      `  ${origin(from)} -> fork_${forks} [${[...own, ...border, "arrowhead=none"].join(", ")}${text}]`,
    );
    for (const target of to) writeArrow(`fork_${forks}`, target, "", own);
  }
  lines.push("}");
  return `${lines.join("\n")}\n`;
}

function boxText({ title, lines }: Box): string {
  const small = lines.flatMap(wrapLines).map((line) => `<BR/><FONT POINT-SIZE="11">${text(line)}</FONT>`);
  return `<B>${text(title)}</B>${small.join("")}`;
}

function arrowText(label: string): string {
  return wrapLines(label)
    .map((line) => ` ${text(line)} `)
    .join("<BR/>");
}

/** The approximate length of a line in characters. Lines break only at spaces. */
const width = 34;

function wrapLines(label: string): string[] {
  const lines: string[] = [];
  for (const word of label.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** Escapes text for Graphviz's HTML-like labels. */
function text(value: string): string {
  const shown = visible(value);
  if (shown.trim() === "") return "&#160;";
  return shown.replace(/[&<>"'[\]\\]/g, (found) => `&#${found.codePointAt(0)};`);
}

/** Quotes and escapes text. Graphviz interprets backslashes inside double quotes. */
function quoted(value: string): string {
  return visible(value).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("&", "&amp;");
}

function visible(value: string): string {
  return value.replace(/\r\n?|\n|\u2028|\u2029/g, "↵").replace(/\p{Cc}|\p{Cs}/gu, "�");
}
