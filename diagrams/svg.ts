import type { AnyStateMachine } from "xstate";
import { toDot } from "./dot.ts";
import type { PictureOptions } from "./mermaid.ts";

/** The optional package `@hpcc-js/wasm-graphviz` is not installed. */
export class GraphvizMissingError extends Error {
  /** The stable name of the error. */
  readonly code = "ERR_GRAPHVIZ_MISSING";
  /** The name of the class. */
  override readonly name = "GraphvizMissingError";
}

const standaloneStyle = `
  .machine { --ink: #1f2328; --line: #59636e; --fill: #ffffff; --box: #818b981f; --accent: #0969da; }
  @media (prefers-color-scheme: dark) {
    .machine { --ink: #e6edf3; --line: #9198a1; --fill: #161b22; --box: #656c7626; --accent: #4493f8; }
  }
  .machine text { fill: var(--ink); font-family: Helvetica, Arial, "Liberation Sans", sans-serif; }
  .machine .node path, .machine .node polygon, .machine .node ellipse { fill: var(--fill); stroke: var(--accent); }
  .machine .final path + path { fill: none; }
  .machine .cluster path { fill: var(--box); stroke: var(--line); }
  .machine .edge path { stroke: var(--line); }
  .machine .edge polygon { fill: var(--line); stroke: var(--line); }
  .machine .mark ellipse, .machine .mark polygon { fill: var(--ink); stroke: var(--ink); }
`;

/**
 * Draws a machine as a self-contained SVG with light and dark colours (`prefers-color-scheme`). Graphviz runs
 * as WebAssembly in this process, so that neither an installed program nor a server is needed. The output is
 * deterministic for a given version of `@hpcc-js/wasm-graphviz`. Names are escaped.
 *
 * @throws {GraphvizMissingError} (`ERR_GRAPHVIZ_MISSING`) if `@hpcc-js/wasm-graphviz` is not installed.
 * @throws {TypeError} if `machine` is not an XState 5 machine.
 *
 * @example
 * ```ts
 * await writeFile("connection.svg", await toSvg(connectionMachine));
 * ```
 */
export async function toSvg(machine: AnyStateMachine, options: PictureOptions = {}): Promise<string> {
  return svgOf(toDot(machine, options), machine.id, `\n<style>${standaloneStyle}</style>`);
}

/** Converts DOT to SVG. @param style inserted after the title. @throws {GraphvizMissingError} */
export async function svgOf(dot: string, title: string, style = ""): Promise<string> {
  const { Graphviz } = await loadGraphviz();
  const graphviz = await Graphviz.load();
  return cleanSvg(graphviz.layout(dot, "svg", "dot"), title, style);
}

async function loadGraphviz(): Promise<typeof import("@hpcc-js/wasm-graphviz")> {
  try {
    return await import("@hpcc-js/wasm-graphviz");
  } catch (cause) {
    throw graphvizMissing(cause);
  }
}

export function graphvizMissing(cause: unknown, advice = ""): GraphvizMissingError {
  return new GraphvizMissingError(
    `SVG output needs the package @hpcc-js/wasm-graphviz, which is not installed: npm install @hpcc-js/wasm-graphviz${advice}`,
    { cause },
  );
}

/** Removes the parts of Graphviz's SVG that vary between versions, and adds a title and a style. */
export function cleanSvg(svg: string, id: string, style = ""): string {
  const start = svg.indexOf("<svg");
  const title = id.replace(/[&<>\p{Cc}\p{Cs}]/gu, (found) =>
    /[&<>]/.test(found) ? `&#${found.codePointAt(0)};` : "�",
  );
  return svg
    .slice(start)
    .replace(/<!--.*?-->\n?/gs, "")
    .replace(/<title>.*?<\/title>\n?/gs, "")
    .replace(/ id="[^"]*"/g, "")
    .replace(/ xmlns:xlink="[^"]*"/, "")
    .replace("<svg", '<svg class="machine" role="img"')
    .replace(/(<svg[^>]*>)/, (tag) => `${tag}\n<title>${title}</title>${style}`);
}
