import { stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { connectionMachine } from "../actors/connection-machine.ts";
import { type FoundMachine, findMachines } from "../diagrams/index.ts";
import { Failure } from "./failure.ts";

/** The machines that the module at `file` exports; without one, the connection machine. @throws {Failure} */
export async function loadMachines(file: string | undefined): Promise<FoundMachine[]> {
  if (file === undefined) return [{ name: "connection", machine: connectionMachine }];
  const path = resolve(file);
  if (!(await isFile(path))) throw new Failure(`There is no file ${file}.`);
  const moduleExports = await load(path, file);
  const found = findMachines(moduleExports);
  if (found.length > 0) return found;
  const names = Object.keys(moduleExports);
  const list = names.length === 0 ? "nothing" : names.join(", ");
  throw new Failure(
    `${file} exports no state machine, but ${list}. Export the machine, or what machineConsumer made of it.`,
  );
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function load(path: string, file: string): Promise<object> {
  if (/^\.[cm]?tsx?$/.test(extname(path))) await readTypeScript(path, file);
  try {
    return (await import(pathToFileURL(path).href)) as object;
  } catch (error) {
    throw new Failure(`${file} could not be loaded: ${error instanceof Error ? error.stack : String(error)}`);
  }
}

/** Has TypeScript read by the tsx of the user's own project; where there is none, by Node, if that can. */
async function readTypeScript(path: string, file: string): Promise<void> {
  if (process.execArgv.some((argument) => argument.includes("tsx"))) return;
  const tsx = resolved("tsx", path) ?? resolved("tsx", resolve("package.json"));
  if (tsx !== undefined) {
    // As `node --import tsx` does: from here on it reads what is imported.
    await import(pathToFileURL(tsx).href);
    return;
  }
  if ((process.features as { readonly typescript?: unknown }).typescript) return;
  throw new Failure(`${file} is TypeScript, which this Node reads with tsx: npm install --save-dev tsx`);
}

function resolved(name: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return undefined;
  }
}
