import { readFile, writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { parseArgs } from "node:util";
import { type FoundMachine, toMermaid } from "../diagrams/index.ts";
import { Failure } from "./failure.ts";
import { type Format, fenced, formats, writeMachines } from "./formats.ts";
import { loadMachines } from "./load-machines.ts";
import { diagramBlocks, replaceDiagrams } from "./markdown.ts";

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
  const { values, positionals } = parseOptions(args);
  const { format = "mermaid", out, check, name, help: wantsHelp = false } = values;
  if (positionals.length > 1) throw new Failure(`Pass one file, not ${positionals.length}.`, 2);
  if (out !== undefined && check !== undefined) throw new Failure("Use --out or --check, not both.", 2);
  if (!formats.includes(format as Format))
    throw new Failure(`Unknown format "${format}": use ${formats.join(", ")}.`, 2);
  return { file: positionals[0], format: format as Format, out, check, name, wantsHelp };
}

function parseOptions(args: readonly string[]) {
  const string = { type: "string" } as const;
  const options = {
    format: string,
    out: string,
    check: string,
    name: string,
    help: { type: "boolean" },
  } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new Failure(`${(error as Error).message}\nTry greenroom visualise --help.`, 2);
  }
}

function select(machines: readonly FoundMachine[], name: string | undefined): readonly FoundMachine[] {
  if (name === undefined) return machines;
  const selected = machines.filter((machine) => machine.name === name);
  if (selected.length > 0) return selected;
  const names = machines.map((machine) => machine.name).join(", ");
  throw new Failure(`The module exports no machine "${name}", only ${names}.`);
}

async function checkFile(file: string, expected: string): Promise<string> {
  const found = await read(file);
  if (found === expected) return `${file} is up to date.\n`;
  const lines = difference(found, expected).trimStart();
  throw new Failure(`${file} is out of date, from ${lines}`);
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

/** Reads a file. Converts line ends to `\n`, because Git may have changed them. */
async function read(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).replaceAll("\r\n", "\n");
  } catch (error) {
    throw new Failure(`${file} could not be read: ${(error as Error).message}`);
  }
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new Failure(`${file} could not be written: ${(error as Error).message}`);
  }
}

const maxLines = 20;

function difference(found: string, expected: string): string {
  const before = found.split("\n");
  const after = expected.split("\n");
  let first = 0;
  while (first < before.length && before[first] === after[first]) first += 1;
  let last = 0;
  while (last < Math.min(before.length, after.length) - first && before.at(-1 - last) === after.at(-1 - last))
    last += 1;
  const lines = [
    ...before.slice(first, before.length - last).map((line) => `- ${line}`),
    ...after.slice(first, after.length - last).map((line) => `+ ${line}`),
  ];
  const shown = lines.slice(0, maxLines);
  if (lines.length > maxLines) shown.push(`… ${lines.length - maxLines} more lines`);
  return [`line ${first + 1}:`, ...shown].map((line) => `    ${line}`).join("\n");
}
