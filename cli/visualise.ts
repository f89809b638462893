import { readFile, writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { parseArgs } from "node:util";
import { type FoundMachine, toMermaid } from "../diagrams/index.ts";
import { Failure } from "./failure.ts";
import { type Format, fenced, formats, written } from "./formats.ts";
import { loadMachines } from "./load-machines.ts";
import { diagramBlocks, updated } from "./markdown.ts";

export const help = `greenroom visualise [FILE] [options]

Draws the state machines that the module FILE exports: XState machines, and what machineConsumer made of them.
The module is loaded, so what it does when it is loaded is done. Without FILE: the connection machine.

  --format FORMAT  mermaid (the default), dot, svg, or json, which XState and Stately read
  --out FILE       writes there, and not to standard output; in a Markdown file the diagrams are updated in place
  --check FILE     writes nothing; fails if what is in FILE is not what would be written there
  --name NAME      only the machine of this name
  --help           shows this

In Markdown, the diagram of a machine is the block of Mermaid that follows a line <!-- machine: NAME -->.
Ends with 1 if something is wrong or does not match, and with 2 if the command cannot be understood.
`;

/** Runs the command. @returns what is to be printed. @throws {Failure} */
export async function visualise(args: readonly string[]): Promise<string> {
  const { file, format, out, check, name, wantsHelp } = parse(args);
  if (wantsHelp) return help;
  const machines = pick(await loadMachines(file), name);
  const target = check ?? out;
  if (target === undefined) return written(machines, format);
  if ([".md", ".markdown"].includes(extname(target).toLowerCase())) {
    if (format !== "mermaid")
      throw new Failure(`In Markdown there are diagrams of Mermaid, not ${format}.`, 2);
    return out === undefined ? checkPage(target, machines) : updatePage(target, machines);
  }
  const text = await written(machines, format);
  if (check !== undefined) return checkFile(check, text);
  await write(target, text);
  return "";
}

function parse(args: readonly string[]) {
  const { values, positionals } = parseOptions(args);
  const { format = "mermaid", out, check, name, help: wantsHelp = false } = values;
  if (positionals.length > 1) throw new Failure(`Name one file, not ${positionals.length}.`, 2);
  if (out !== undefined && check !== undefined) throw new Failure("Use --out or --check, not both.", 2);
  if (!formats.includes(format as Format))
    throw new Failure(`There is no format "${format}", but ${formats.join(", ")}.`, 2);
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

function pick(machines: readonly FoundMachine[], name: string | undefined): readonly FoundMachine[] {
  if (name === undefined) return machines;
  const picked = machines.filter((machine) => machine.name === name);
  if (picked.length > 0) return picked;
  const names = machines.map((machine) => machine.name).join(", ");
  throw new Failure(`There is no machine "${name}", but ${names}.`);
}

async function checkFile(file: string, expected: string): Promise<string> {
  const found = await read(file);
  if (found === expected) return `${file} is up to date.\n`;
  const lines = difference(found, expected).trimStart();
  throw new Failure(`${file} is not what the machine is now, from ${lines}`);
}

async function checkPage(file: string, machines: readonly FoundMachine[]): Promise<string> {
  const page = await read(file);
  const diagrams = diagramsFor(file, page, machines);
  const blocks = diagramBlocks(page).filter((block) => diagrams.has(block.name));
  const stale = blocks.flatMap(({ name, text }) => {
    const expected = fenced(diagrams.get(name) ?? "");
    if (`${text.trimEnd()}\n` === expected) return [];
    return `${file}: the diagram of ${name} is not what the machine is now, from\n${difference(text, expected)}`;
  });
  if (stale.length > 0) throw new Failure(stale.join("\n"));
  return `${file}: ${blocks.map(({ name }) => name).join(", ")} up to date.\n`;
}

async function updatePage(file: string, machines: readonly FoundMachine[]): Promise<string> {
  const page = await read(file);
  await write(file, updated(page, diagramsFor(file, page, machines)));
  return "";
}

/** The diagrams of those machines that have a place in the page. */
function diagramsFor(
  file: string,
  page: string,
  machines: readonly FoundMachine[],
): ReadonlyMap<string, string> {
  const places = new Set(diagramBlocks(page).map(({ name }) => name));
  const drawn = machines.filter(({ name }) => places.has(name));
  if (drawn.length > 0) return new Map(drawn.map(({ name, machine }) => [name, toMermaid(machine)]));
  const names = [...new Set(machines.map(({ name }) => name))];
  throw new Failure(
    `${file} has no place for a diagram of ${names.join(", ")}: a line <!-- machine: ${names[0]} --> makes one.`,
  );
}

/** Line ends as Git may have changed them do not matter. */
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

/** How many lines of a difference are shown. */
const maxLines = 20;

/** The lines from the first to the last difference: `-` is in `found`, `+` in `expected`. */
function difference(found: string, expected: string): string {
  const there = found.split("\n");
  const wanted = expected.split("\n");
  let first = 0;
  while (first < there.length && there[first] === wanted[first]) first += 1;
  let last = 0;
  while (last < Math.min(there.length, wanted.length) - first && there.at(-1 - last) === wanted.at(-1 - last))
    last += 1;
  const lines = [
    ...there.slice(first, there.length - last).map((line) => `- ${line}`),
    ...wanted.slice(first, wanted.length - last).map((line) => `+ ${line}`),
  ];
  const shown = lines.slice(0, maxLines);
  if (lines.length > maxLines) shown.push(`… ${lines.length - maxLines} more lines`);
  return [`line ${first + 1}:`, ...shown].map((line) => `    ${line}`).join("\n");
}
