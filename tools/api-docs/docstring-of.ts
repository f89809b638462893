import { readFileSync } from "node:fs";

/** The docstring before the first match of `declaration`, in one line. Empty if there is none. */
export function docstringOf(file: string, declaration: string): string {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
  const before = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\n${declaration}\\b`).exec(text)?.[1] ?? "";
  return before.replace(/\s*\n\s*\* ?/g, "\n").trim();
}

/** The texts of the list in the docstring of a type, by their names: the lines that begin with a dash and a name. */
export function bulletsOf(file: string, type: string): Map<string, string> {
  const lines = docstringOf(file, `export type ${type}`).replace(/\n {2,}/g, " ");
  return new Map(
    [...lines.matchAll(/^- `([\w-]+)`: (.*)$/gm)].map(([, name = "", text = ""]) => [name, text]),
  );
}
