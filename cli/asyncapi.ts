import { readFile } from "node:fs/promises";
import { type AsyncApiSource, asyncApi } from "../asyncapi/async-api.ts";
import { AsyncApiError } from "../asyncapi/async-api-error.ts";
import type { AsyncApiDocument } from "../asyncapi/document.ts";
import { Failure } from "./failure.ts";
import { checkFile, write } from "./files.ts";
import { findContracts } from "./find-contracts.ts";
import { loadModule, notExported } from "./load-module.ts";
import { parseOptions } from "./options.ts";

export const help = `Usage: greenroom asyncapi FILE... [options]

Writes a document of AsyncAPI 3.1 for the contracts that the modules FILE export, alone or as the contracts of
consumer classes. Loading a module runs its top-level code.

  --format FORMAT    json or yaml; by default, as the name of the file to write or to check ends, else json
  --out FILE         write to FILE instead of standard output
  --check FILE       write nothing; fail unless FILE is up to date
  --title TITLE      the name of the API; by default, the name in package.json
  --version VERSION  the version of the API; by default, the version in package.json
  --help             print this help

Exits with 1 if something fails or a check finds a difference, and with 2 if the arguments are invalid.
`;

type Format = "json" | "yaml";

const formats: readonly string[] = ["json", "yaml"] satisfies readonly Format[];

/** Runs the command. @returns the text to print. @throws {Failure} */
export async function asyncapi(args: readonly string[]): Promise<string> {
  const { files, format, out, check, title, version, wantsHelp } = parse(args);
  if (wantsHelp) return help;
  const sources: AsyncApiSource[] = [];
  for (const file of files) sources.push(...(await loadContracts(file)));
  const text = await textOf(describe(sources, await infoOf(title, version)), format);
  if (check !== undefined) return checkFile(check, text);
  if (out === undefined) return text;
  await write(out, text);
  return "";
}

function parse(args: readonly string[]) {
  const { values, positionals: files } = parseOptions("asyncapi", args, [
    "format",
    "out",
    "check",
    "title",
    "version",
  ]);
  const { out, check, title, version, help: wantsHelp = false } = values;
  const { format = /\.ya?ml$/i.test(check ?? out ?? "") ? "yaml" : "json" } = values;
  if (files.length === 0 && !wantsHelp)
    throw new Failure("Pass the file of a module that exports contracts.\nTry greenroom asyncapi --help.", 2);
  if (out !== undefined && check !== undefined) throw new Failure("Use --out or --check, not both.", 2);
  if (!formats.includes(format))
    throw new Failure(`Unknown format "${format}": use ${formats.join(", ")}.`, 2);
  return { files, format: format as Format, out, check, title, version, wantsHelp };
}

async function loadContracts(file: string): Promise<AsyncApiSource[]> {
  const moduleExports = await loadModule(file);
  const found = findContracts(moduleExports);
  if (found.length > 0) return found;
  throw notExported(
    file,
    moduleExports,
    "contract",
    "Export a contract, or a consumer class with a contract.",
  );
}

/** The title and the version. Those that the options lack are in the package.json of the working directory. */
async function infoOf(title: string | undefined, version: string | undefined) {
  if (title !== undefined && version !== undefined) return { title, version };
  const manifest = Object(await readManifest()) as { readonly name?: unknown; readonly version?: unknown };
  return {
    title: title ?? required("title", manifest.name),
    version: version ?? required("version", manifest.version),
  };
}

/** The content of package.json; undefined if there is none. */
async function readManifest(): Promise<unknown> {
  const text = await readFile("package.json", "utf8").catch(() => "null");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Failure(`package.json is not JSON: ${(error as Error).message}`);
  }
}

function required(option: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw new Failure(`package.json has no ${option === "title" ? "name" : option}: pass --${option}.`, 2);
}

function describe(sources: readonly AsyncApiSource[], info: { title: string; version: string }) {
  try {
    return asyncApi(sources, info);
  } catch (error) {
    if (error instanceof AsyncApiError) throw new Failure(error.message);
    throw error;
  }
}

async function textOf(document: AsyncApiDocument, format: Format): Promise<string> {
  if (format === "json") return `${JSON.stringify(document, undefined, 2)}\n`;
  const { stringify } = await loadYaml();
  // Readers of YAML 1.1 take words such as `on` for booleans, unless they are quoted.
  return stringify(document, { aliasDuplicateObjects: false, compat: "yaml-1.1" });
}

async function loadYaml() {
  try {
    return await import("yaml");
  } catch {
    throw new Failure(
      "YAML output needs the package yaml, which is not installed: npm install --save-dev yaml",
    );
  }
}
