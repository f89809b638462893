import { stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Failure } from "./failure.ts";

/** The exports of module `file`, which may be TypeScript. @throws {Failure} */
export async function loadModule(file: string): Promise<object> {
  const path = resolve(file);
  if (!(await isFile(path))) throw new Failure(`File not found: ${file}.`);
  return load(path, file);
}

/** The failure to find something in a module, with the names of its exports. */
export function notExported(file: string, moduleExports: object, what: string, advice: string): Failure {
  const names = Object.keys(moduleExports);
  const list = names.length === 0 ? "none" : names.join(", ");
  return new Failure(`${file} exports no ${what}. Its exports: ${list}. ${advice}`);
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
