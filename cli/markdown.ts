import { fenced } from "./formats.ts";

/** A diagram in a Markdown page: the block of Mermaid that follows `<!-- machine: NAME -->`. */
export interface DiagramBlock {
  readonly name: string;
  /** The fenced block with its fences; empty if no block follows the comment. */
  readonly text: string;
  readonly start: number;
}

const block = /^<!-- machine: (.+?) -->[ \t]*\n(?:[ \t]*\n)*(```mermaid[ \t]*\n[\s\S]*?^```[ \t]*$\n?)?/gm;

export function diagramBlocks(page: string): DiagramBlock[] {
  return [...page.matchAll(block)].map(({ 0: all, 1: name = "", 2: text = "", index }) => ({
    name,
    text,
    start: index + all.length - text.length,
  }));
}

export function replaceDiagrams(page: string, diagrams: ReadonlyMap<string, string>): string {
  let result = page;
  for (const { name, text, start } of diagramBlocks(page).reverse()) {
    const diagram = diagrams.get(name);
    if (diagram === undefined) continue;
    const gap = text === "" && !result.slice(0, start).endsWith("\n\n") ? "\n" : "";
    const after = text === "" ? "\n" : "";
    result = result.slice(0, start) + gap + fenced(diagram) + after + result.slice(start + text.length);
  }
  return result;
}
