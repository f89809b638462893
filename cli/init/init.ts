import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Failure } from "../failure.ts";
import { write } from "../files.ts";
import { parseOptions } from "../options.ts";
import { dependenciesOf, runnerNames } from "./manifest.ts";
import { projectFiles } from "./project-files.ts";
import { projectName } from "./project-name.ts";
import { tree } from "./tree.ts";

export const help = `Usage: greenroom init [FOLDER] [options]

Writes a project that runs: a chat with a server, a page, a contract of both, a test, and a Dockerfile. FOLDER is
the working directory by default, and is created if it is missing. Installs no packages.

  --name NAME    the name of the project; by default, that of the folder
  --test RUNNER  node (default), mocha or vitest
  --force        write into a folder that has files, and replace those of the same names
  --help         print this help

Exits with 1 if the folder has files or cannot be written, and with 2 if the arguments are invalid.
`;

/** Runs the command. @returns the text to print. @throws {Failure} */
export async function init(args: readonly string[]): Promise<string> {
  const { folder, name: given, runner, isForced, wantsHelp } = parse(args);
  if (wantsHelp) return help;
  const { dependencies, devDependencies } = dependenciesOf(runner);
  const name = projectName(folder, given, Object.keys({ ...dependencies, ...devDependencies }));
  const files = projectFiles(name, runner);
  const present = await filesOf(folder);
  if (present.length > 0 && !isForced) throw new Failure(occupied(folder, present));
  for (const [path, text] of files) {
    const file = join(folder, path);
    await makeFolder(dirname(file));
    await write(file, text);
  }
  return `Wrote the project ${name}:\n\n${tree([...files.keys()])}\nNext:\n\n${nextCommands(folder)}`;
}

function parse(args: readonly string[]) {
  const { values, positionals } = parseOptions("init", args, ["name", "test"], ["force"]);
  const { name, test = "node", force: isForced = false, help: wantsHelp = false } = values;
  const [folder = ".", ...others] = positionals;
  // An empty text is likely a variable of the shell without a value. It would stand for the working directory.
  if (folder === "") throw new Failure("The folder has no name.\nTry greenroom init --help.", 2);
  if (others.length > 0)
    throw new Failure(`Pass one folder, not ${positionals.length}.\nTry greenroom init --help.`, 2);
  const runner = runnerNames.find((known) => known === test);
  if (runner === undefined)
    throw new Failure(`Unknown test runner "${test}": use ${runnerNames.join(", ")}.`, 2);
  return { folder, name, runner, isForced, wantsHelp };
}

/** The names of the files in `folder`, except those of Git. */
async function filesOf(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name !== ".git");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new Failure(`${folder} could not be read: ${(error as Error).message}`);
  }
}

function occupied(folder: string, present: readonly string[]): string {
  const names = present.length > 3 ? [...present.slice(0, 3), "…"] : present;
  const place = folder === "." ? "The working directory" : folder;
  return `${place} has files: ${names.join(", ")}. Pass another folder, or --force to write into this one and replace files of the same names.`;
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new Failure(`${folder} could not be created: ${(error as Error).message}`);
  }
}

function nextCommands(folder: string): string {
  const quoted = /[^\w./~\\:-]/.test(folder) ? `"${folder}"` : folder;
  const commands = ["npm install", "npm test", "npm run dev   # then open http://localhost:8080"];
  if (folder !== ".") commands.unshift(`cd ${quoted}`);
  return commands.map((command) => `  ${command}\n`).join("");
}
