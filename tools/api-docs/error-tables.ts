import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { GreenroomError } from "../../index.ts";
import { docstringOf } from "./docstring-of.ts";
import { entryPoints } from "./entry-points.ts";
import type { Row, Table } from "./update-table.ts";

const root = new URL("../../", import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), "utf8");

/** The errors of the server and of the client, by code. */
export async function errorTables(): Promise<Readonly<Record<string, Table>>> {
  return { errors: await serverErrors(), "client-errors": clientErrors() };
}

/** Makes an error of each class that an entry point exports, to read its code. */
async function serverErrors(): Promise<Table> {
  const codes = new Map<string, string>();
  const entries: Record<string, unknown>[] = [];
  for (const file of entryPoints()) entries.push(await import(pathToFileURL(file).href));
  // The class of a static import may belong to another copy of the package.
  const base = entries[0]?.GreenroomError as typeof GreenroomError;
  for (const entry of entries) {
    for (const [name, exported] of Object.entries(entry)) {
      if (typeof exported !== "function" || !(exported.prototype instanceof base)) continue;
      const error = Reflect.construct(exported, [
        name === "ChildFailedError" ? [] : "",
        "",
      ]) as GreenroomError;
      codes.set(error.code, name);
    }
  }
  const files = sourcesWith("extends GreenroomError");
  const textOf = (name: string) =>
    files.map((file) => docstringOf(file, `export class ${name}`)).find((text) => text !== "") ?? "";
  return tableOf([...codes].map(([code, name]) => [code, name, textOf(name)]));
}

/** The codes in the sources of the client. Those without a class of their own are of `ClientError`. */
function clientErrors(): Table {
  const classes = new Map(
    [...read("client/errors.ts").matchAll(/class (\w+) extends ClientError \{[^}]*?super\("(ERR_\w+)"/g)].map(
      ([, name = "", code = ""]) => [code, name],
    ),
  );
  const codes = sourcesWith("ERR_", "client").flatMap((file) =>
    [...read(file).matchAll(/"(ERR_\w+)"/g)].map(([, code = ""]) => code),
  );
  return tableOf([...new Set(codes)].map((code) => [code, classes.get(code) ?? "ClientError", ""]));
}

function tableOf(errors: readonly (readonly [code: string, name: string, text: string])[]): Table {
  const sorted = [...errors].sort(([one], [other]) => (one < other ? -1 : 1));
  const rows = sorted.map(([code, name, text]): [string, Row] => [
    code,
    { cells: { class: `\`${name}\`` }, text: text.replace(/\{@link (\S+?)\}/g, "`$1`").replace(/\s+/g, " ") },
  ]);
  return new Map(rows);
}

/** The source files in `folder` that hold `text`. */
function sourcesWith(text: string, folder = "."): string[] {
  const args = ["grep", "-l", "--untracked", text, "--", `${folder}/*.ts`, ":!spec", ":!bench", ":!tools"];
  return execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim().split("\n");
}
