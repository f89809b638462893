import { type FoundMachine, toDot, toMermaid, toStately, toSvg } from "../diagrams/index.ts";
import { Failure } from "./failure.ts";

export type Format = "mermaid" | "dot" | "svg" | "json";

export const formats: readonly Format[] = ["mermaid", "dot", "svg", "json"];

/** Writes several machines as Markdown with headings (`mermaid`), or as an object by name (`json`). */
export async function writeMachines(machines: readonly FoundMachine[], format: Format): Promise<string> {
  const [only, ...others] = machines;
  if (only === undefined) return "";
  const one = others.length === 0;
  switch (format) {
    case "mermaid":
      if (one) return toMermaid(only.machine);
      return machines.map(({ name, machine }) => `## ${name}\n\n${fenced(toMermaid(machine))}`).join("\n");
    case "dot":
      return machines.map(({ machine }) => toDot(machine)).join("\n");
    case "json": {
      const json = one
        ? toStately(only.machine)
        : Object.fromEntries(machines.map(({ name, machine }) => [name, toStately(machine)]));
      return `${JSON.stringify(json, undefined, 2)}\n`;
    }
    case "svg": {
      if (one) return toSvg(only.machine);
      const names = machines.map(({ name }) => name).join(", ");
      throw new Failure(`An SVG shows one machine: choose it with --name. The module exports ${names}.`, 2);
    }
  }
}

export function fenced(diagram: string): string {
  return `\`\`\`mermaid\n${diagram}\`\`\`\n`;
}
