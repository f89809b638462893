import { readdir, readFile } from "node:fs/promises";
import type { AppName } from "./plan.ts";

/** The number of lines of an app, without blank lines, comments and imports. */
export async function codeLinesOf(app: AppName): Promise<number> {
  const folder = new URL(`apps/${app}/`, import.meta.url);
  const files = await readdir(folder);
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), "utf8")));
  return texts.reduce((sum, text) => sum + countCodeLines(text), 0);
}

/** Counts the lines of a source text, without blank lines, comments and imports. */
export function countCodeLines(text: string): number {
  const code = text.replace(/^import [^;]*;/gm, "").replace(/\/\*[\s\S]*?\*\//g, "");
  return code.split("\n").filter((line) => !/^\s*(?:\/\/.*)?$/.test(line)).length;
}
