import { extname } from "node:path";
import { type FoundMachine, toMermaid } from "../diagrams/index.ts";
import { Failure } from "./failure.ts";
import { checkFile, difference, read, write } from "./files.ts";
import { type Format, fenced, formats, writeMachines } from "./formats.ts";
import { loadMachines } from "./load-machines.ts";
import { diagramBlocks, replaceDiagrams } from "./markdown.ts";
import { parseOptions } from "./options.ts";

export const help = `Usage: greenroom visualise [FILE] [options]

Draws the state machines that the module FILE exports: XState machines, and the machines of machineConsumer
classes. Without FILE, draws the connection machine. Loading the module runs its top-level code.

  --format FORMAT  mermaid (default), dot, svg, or json for XState and Stately
  --out FILE       write to FILE instead of standard output; in a Markdown file, update the diagrams in place
  --check FILE     write nothing; fail unless FILE is up to date
  --name NAME      draw only the machine NAME
  --help           print this help

In Markdown, the diagram of a machine is the Mermaid block after the line <!-- machine: NAME -->.
Exits with 1 if something fails or a check finds a difference, and with 2 if the arguments are invalid.
`;

/** Runs the command. @returns the text to print. @throws {Failure} */
export async function visualise(args: readonly string[]): Promise<string> {
  const { file, format, out, check, name, wantsHelp } = parse(args);
  if (wantsHelp) return help;
  const machines = select(await loadMachines(file), name);
  const target = check ?? out;
  if (target === undefined) return writeMachines(machines, format);
  if ([".md", ".markdown"].includes(extname(target).toLowerCase())) {
    if (format !== "mermaid")
      throw new Failure(`Markdown files hold Mermaid diagrams, not ${format}: omit --format.`, 2);
    return out === undefined ? checkPage(target, machines) : updatePage(target, machines);
  }
  const text = await writeMachines(machines, format);
  if (check !== undefined) return checkFile(check, text);
  await write(target, text);
  return "";
}

function parse(args: readonly string[]) {
  const { values, positionals } = parseOptions("visualise", args, ["format", "out", "check", "name"]);
  const { format = "mermaid", out, check, name, help: wantsHelp = false } = values;
  if (positionals.length > 1) throw new Failure(`Pass one file, not ${positionals.length}.`, 2);
  if (out !== undefined && check !== undefined) throw new Failure("Use --out or --check, not both.", 2);
  if (!formats.includes(format as Format))
    throw new Failure(`Unknown format "${format}": use ${formats.join(", ")}.`, 2);
  return { file: positionals[0], format: format as Format, out, check, name, wantsHelp };
}

function select(machines: readonly FoundMachine[], name: string | undefined): readonly FoundMachine[] {
  if (name === undefined) return machines;
  const selected = machines.filter((machine) => machine.name === name);
  if (selected.length > 0) return selected;
  const names = machines.map((machine) => machine.name).join(", ");
  throw new Failure(`The module exports no machine "${name}", only ${names}.`);
}

async function checkPage(file: string, machines: readonly FoundMachine[]): Promise<string> {
  const page = await read(file);
  const diagrams = diagramsFor(file, page, machines);
  const blocks = diagramBlocks(page).filter((block) => diagrams.has(block.name));
  const stale = blocks.flatMap(({ name, text }) => {
    const expected = fenced(diagrams.get(name) ?? "");
    if (`${text.trimEnd()}\n` === expected) return [];
    return `${file}: the diagram of ${name} is out of date, from\n${difference(text, expected)}`;
  });
  if (stale.length > 0) throw new Failure(stale.join("\n"));
  return `${file}: ${blocks.map(({ name }) => name).join(", ")} up to date.\n`;
}

async function updatePage(file: string, machines: readonly FoundMachine[]): Promise<string> {
  const page = await read(file);
  await write(file, replaceDiagrams(page, diagramsFor(file, page, machines)));
  return "";
}

function diagramsFor(
  file: string,
  page: string,
  machines: readonly FoundMachine[],
): ReadonlyMap<string, string> {
  const names = new Set(diagramBlocks(page).map(({ name }) => name));
  const drawn = machines.filter(({ name }) => names.has(name));
  if (drawn.length > 0) return new Map(drawn.map(({ name, machine }) => [name, toMermaid(machine)]));
  const machineNames = [...new Set(machines.map(({ name }) => name))];
  throw new Failure(
    `${file} has no marker for ${machineNames.join(", ")}: add a line <!-- machine: ${machineNames[0]} -->.`,
  );
}
