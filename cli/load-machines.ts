import { stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { connectionMachine } from "../actors/connection-machine.ts";
import { type FoundMachine, findMachines } from "../diagrams/index.ts";
import { Failure } from "./failure.ts";

/** The machines exported by module `file`; without `file`, the connection machine. @throws {Failure} */
export async function loadMachines(file: string | undefined): Promise<FoundMachine[]> {
  if (file === undefined) return [{ name: "connection", machine: connectionMachine }];
  const path = resolve(file);
  if (!(await isFile(path))) throw new Failure(`File not found: ${file}.`);
  const moduleExports = await load(path, file);
  const found = findMachines(moduleExports);
  if (found.length > 0) return found;
  const names = Object.keys(moduleExports);
  const list = names.length === 0 ? "none" : names.join(", ");
  throw new Failure(
    `${file} exports no state machine. Its exports: ${list}. Export a machine or a class made by machineConsumer.`,
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

async function readTypeScript(path: string, file: string): Promise<void> {
  if (process.execArgv.some((argument) => argument.includes("tsx"))) return;
  const tsx = resolved("tsx", path) ?? resolved("tsx", resolve("package.json"));
  if (tsx !== undefined) {
    // Like `node --import tsx`: tsx compiles all later imports.
    await import(pathToFileURL(tsx).href);
    return;
  }
  if ((process.features as { readonly typescript?: unknown }).typescript) return;
  throw new Failure(
    `${file} is TypeScript, for which this version of Node needs tsx: npm install --save-dev tsx`,
  );
}

function resolved(name: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return undefined;
  }
}
